import { HOUR, type EpochMilliseconds } from '../units.js';

/** An operation that a visitor of the landing page can run as it stands. */
export interface Example {
  readonly name: string;
  readonly document: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** What the examples point at; whatever is absent is a placeholder for the visitor to fill in. */
export interface ExampleSubjects {
  readonly orderId?: string;
  readonly filePath?: string;
  /** A file that partner B alone may see; without it nothing is shown of that. */
  readonly fileOfPartnerB?: string;
}

/** One ready operation for each thing that the schema can do, with dates that make sense at `now`. */
export function exampleOperations(now: EpochMilliseconds, subjects: ExampleSubjects = {}): readonly Example[] {
  const { orderId = '00000000-0000-4000-8000-000000000000', filePath = 'models/ring-17.stl', fileOfPartnerB } = subjects;
  const thisHour = Math.floor(now / HOUR) * HOUR;
  return [
    { name: "Today's newest orders", document: TODAY },
    { name: 'Orders of one hour', document: ONE_HOUR, variables: { from: hourText(thisHour - HOUR) } },
    { name: 'Page by page through a week', document: PAGES, variables: { window: 7 * 24 * 60, first: 10, after: null } },
    { name: 'A day as 24 windows of one hour', document: dayInHours(thisHour - 23 * HOUR) },
    { name: 'Orders waiting for approval', document: WAITING },
    { name: 'One order with its file', document: ONE_ORDER, variables: { id: orderId } },
    { name: 'A file by its path', document: ONE_FILE, variables: { path: filePath } },
    ...(fileOfPartnerB === undefined
      ? []
      : [{ name: 'A file of partner B alone', document: FOREIGN_FILE, variables: { path: fileOfPartnerB } }]),
    { name: 'Watch orders change', document: WATCH, variables: { window: 7 * 24 * 60 } },
    {
      name: 'Move an order forward',
      document: STATUS_CHANGE,
      variables: { id: orderId, status: 'PACKAGING', expectedVersion: null },
    },
  ];
}

const TODAY = `# Today begins at midnight in the plant's time zone.
query TodaysOrders {
  orders {
    totalCount
    asOf
    nodes {
      id
      number
      status
      createdAt
      customer
      product
      quantity
      filePath
    }
  }
}
`;

const ONE_HOUR = `# Created in [from, from + 60 minutes), newest first.
query OrdersOfOneHour($from: DateTime!) {
  orders(createdBy: $from, window: 60) {
    totalCount
    asOf
    nodes {
      id
      number
      status
      version
      createdAt
      priceMinor
      currency
    }
  }
}
`;

const PAGES = `# For the next page, put endCursor into the variable "after".
query OrdersPageByPage($window: Int!, $first: Int!, $after: String) {
  orders(window: $window, first: $first, after: $after) {
    totalCount
    edges {
      cursor
      node {
        id
        number
        status
        createdAt
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const WAITING = `query OrdersWaitingForApproval {
  orders(window: 1440, status: [SUBMITTED, PRICE_CALCULATED]) {
    totalCount
    nodes {
      id
      number
      status
      updatedAt
      customer
      material
      quantity
    }
  }
}
`;

const ONE_ORDER = `# The answer is null for an order that does not exist or is not yours.
query OneOrder($id: ID!) {
  order(id: $id) {
    number
    status
    version
    customer
    product
    material
    quantity
    file {
      name
      size
      contentType
      url(expiresIn: 600)
    }
  }
}
`;

const ONE_FILE = `query FileByPath($path: String!) {
  file(path: $path) {
    name
    size
    contentType
    etag
    lastModified
    url
  }
}
`;

const FOREIGN_FILE = `# As Partner A the answer is null, as if there were no such file: only orders of Partner B name it.
query FileOfPartnerB($path: String!) {
  file(path: $path) {
    name
    size
    url
  }
}
`;

const WATCH = `# An event for each order of the window that is created or changed, until you stop it.
subscription WatchOrders($window: Int) {
  orderChanged(window: $window) {
    id
    number
    status
    version
    updatedAt
    customer
  }
}
`;

const STATUS_CHANGE = `# Give expectedVersion the version that you have seen, and nobody's change is overwritten.
mutation MoveOrderForward($id: ID!, $status: OrderStatus!, $expectedVersion: Int) {
  updateOrderStatus(id: $id, status: $status, expectedVersion: $expectedVersion) {
    id
    number
    status
    version
    updatedAt
  }
}
`;

function dayInHours(start: EpochMilliseconds): string {
  const hours = Array.from({ length: 24 }, (_, index) => {
    const name = `h${String(index).padStart(2, '0')}`;
    return `  ${name}: orders(createdBy: "${hourText(start + index * HOUR)}", window: 60) { ...Hour }`;
  });
  return `# Twenty-four windows in one operation; what is not cached is loaded with one statement.
query DayInHours {
${hours.join('\n')}
}

fragment Hour on OrderConnection {
  totalCount
  asOf
}
`;
}

/** `2025-07-24T15:00Z` */
function hourText(at: EpochMilliseconds): string {
  return `${new Date(at).toISOString().slice(0, 16)}Z`;
}
