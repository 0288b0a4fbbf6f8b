import fc from 'fast-check';
import { Kind, parse, parseValue, validate } from 'graphql';
import { exampleOperations } from '../src/graphql/examples.js';
import { DateTime, Url } from '../src/graphql/scalars.js';
import { createSchema } from '../src/graphql/server.js';
import { errorWith } from './support/orders.js';

const refused = (message: string): Error =>
  errorWith({
    message: expect.stringContaining(message),
    extensions: expect.objectContaining({ code: 'BAD_USER_INPUT' }),
  });

describe('DateTime', () => {
  test.each([
    ['2025-07-24T15:00Z', '2025-07-24T15:00:00.000Z'],
    ['2025-07-24T15:00:07Z', '2025-07-24T15:00:07.000Z'],
    ['2025-07-24t15:00:00z', '2025-07-24T15:00:00.000Z'],
    ['2025-07-24T17:00+02:00', '2025-07-24T15:00:00.000Z'],
    ['2025-07-24T20:30:00.5+05:30', '2025-07-24T15:00:00.500Z'],
    ['2025-07-24T23:30-00:45', '2025-07-25T00:15:00.000Z'],
    ['2025-01-01T00:30+14:00', '2024-12-31T10:30:00.000Z'],
    ['2024-02-29T23:59:59.999Z', '2024-02-29T23:59:59.999Z'],
    // Floored to milliseconds, before 1970 too.
    ['2025-07-24T15:00:00.123999999Z', '2025-07-24T15:00:00.123Z'],
    ['1969-12-31T23:59:59.9999Z', '1969-12-31T23:59:59.999Z'],
    ['0001-01-01T00:00Z', '0001-01-01T00:00:00.000Z'],
  ])('%s is %s, as a variable and in the operation', (text, shown) => {
    expect(DateTime.parseValue(text)).toBe(Date.parse(shown));
    expect(DateTime.parseLiteral(parseValue(JSON.stringify(text)))).toBe(Date.parse(shown));
    expect(DateTime.serialize(Date.parse(shown))).toBe(shown);
  });

  test.each([
    ['2025-02-30T00:00Z'],
    ['2025-02-29T00:00Z'],
    ['2025-13-01T00:00Z'],
    ['2025-00-10T00:00Z'],
    ['2025-07-24T24:00Z'],
    ['2025-07-24T15:60Z'],
    ['2025-07-24T15:00:60Z'],
    ['2016-12-31T23:59:60Z'],
    ['2025-07-24T15:00'],
    ['2025-07-24'],
    ['2025-07-24 15:00Z'],
    ['2025-07-24T15Z'],
    ['2025-07-24T15:00+02'],
    ['2025-07-24T15:00+24:00'],
    ['2025-07-24T15:00+02:60'],
    ['2025-07-24T15:00Z[UTC]'],
    ['2025-07-24T15:00:00.Z'],
    ['2025-07-24T15:00:00.1234567890Z'],
    ['+002025-07-24T15:00Z'],
    ['25-07-24T15:00Z'],
    [' 2025-07-24T15:00Z'],
    ['2025-07-24T15:00Z\n'],
    ['today'],
    [''],
    [1_753_369_200_000],
    [20250724],
    [1.5],
    [true],
    [null],
    [['2025-07-24T15:00Z']],
    [{ from: '2025-07-24T15:00Z' }],
  ])('%j is refused with what was expected', (value) => {
    const message = 'DateTime must be an existing date and time in ISO 8601 with an offset or Z, such as "2025-07-24T15:00Z"';
    const literal = parseValue(JSON.stringify(value).replace(/"(\w+)":/g, '$1:'));
    expect(() => DateTime.parseValue(value)).toThrow(refused(message));
    expect(() => DateTime.parseLiteral(literal)).toThrow(refused(message));
  });

  test('is read as it was written', () => {
    const anyTime = fc.integer({ min: Date.parse('0000-01-01T00:00Z'), max: Date.parse('9999-12-31T23:59:59.999Z') });
    fc.assert(fc.property(anyTime, (time) => DateTime.parseValue(DateTime.serialize(time)) === time));
  });

  test('never fails in another way, and quotes briefly what it got', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.jsonValue()), (value) => {
        try {
          expect(DateTime.parseValue(value)).toEqual(expect.any(Number));
        } catch (error) {
          expect(error).toMatchObject({ extensions: { code: 'BAD_USER_INPUT' } });
          expect((error as Error).message.length).toBeLessThan(250);
          expect((error as Error).message).not.toMatch(/\p{Cc}/u);
        }
      }),
    );
  });
});

describe('URL', () => {
  test('is an absolute URL', () => {
    expect(Url.parseValue('https://mes.example.com/files/a.stl')).toBe('https://mes.example.com/files/a.stl');
    for (const value of ['/files/a.stl', '', 5, null]) {
      expect(() => Url.parseValue(value)).toThrow(refused('URL must be an absolute URL'));
    }
  });
});

describe('the examples of the landing page', () => {
  const schema = createSchema();
  const examples = exampleOperations(Date.parse('2025-12-31T23:59:59.999Z'));

  test.each(examples)('$name: fits the schema, and is one operation that has a name', ({ document }) => {
    expect(validate(schema, parse(document)).map(({ message }) => message)).toEqual([]);
    const operations = parse(document).definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
    expect(operations.map(({ name }) => name?.value)).toEqual([expect.any(String)]);
  });

  test.each(examples)('$name: has the variables that it declares', ({ document, variables = {} }) => {
    const declared = parse(document).definitions.flatMap((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION ? (definition.variableDefinitions ?? []) : [],
    );
    expect(declared.map(({ variable }) => variable.name.value).sort()).toEqual(Object.keys(variables).sort());
  });

  test('show what they were given', () => {
    const shown = JSON.stringify(exampleOperations(0, { orderId: 'the-order', filePath: 'the/file.stl' }));
    expect(shown).toContain('the-order');
    expect(shown).toContain('the/file.stl');
  });
});
