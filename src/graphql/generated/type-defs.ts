// Generated from schema/ by `npm run codegen`.
/** The schema's SDL. */
export const typeDefs = `"""
A part of the audit log, newest first; as in Relay's cursor connections.
"""
type AuditConnection {
  """The records, each with its cursor."""
  edges: [AuditEdge!]!

  """The same records without cursors."""
  nodes: [AuditEntry!]!

  """Whether the log goes on, and from where."""
  pageInfo: PageInfo!
}

"""A record and its place in the log."""
type AuditEdge {
  """The record."""
  node: AuditEntry!

  """
  An opaque text that marks this place, for \`after\`. Keep it as it is; its form may change.
  """
  cursor: String!
}

"""
One change of one order or file: either \`orderChange\` or \`fileChange\` is there, and the other one is \`null\`.
"""
type AuditEntry {
  """The number of the record."""
  id: ID!

  """
  When it was written, by the clock of the database, floored to milliseconds.
  """
  at: DateTime!

  """How the change came to the gateway."""
  way: AuditWay!

  """Who made the change."""
  actor: AuditActor!

  """
  The request that made the change, as the log and the header \`x-request-id\` name it.
  """
  requestId: String!

  """What became of an order."""
  orderChange: AuditedOrderChange

  """What became of a file."""
  fileChange: AuditedFileChange
}

"""How a change came to the gateway."""
enum AuditWay {
  """By a mutation."""
  MUTATION

  """By an upload through the gateway."""
  UPLOAD

  """The file store told of it."""
  EVENT
}

"""Who made a change, as the token said."""
type AuditActor {
  """The \`sub\` of the token."""
  subject: String!

  """The role at that time: \`operator\`, \`partner\` or \`service\`."""
  role: String!

  """Of a partner, which."""
  partnerId: ID
}

"""A change of the status of one order."""
type AuditedOrderChange {
  """The order's UUID."""
  orderId: ID!

  """The number that people use."""
  number: String!

  """Where the order stood."""
  statusBefore: OrderStatus!

  """Where it stood then."""
  statusAfter: OrderStatus!

  """The order's version before the change."""
  versionBefore: Int!

  """The order's version after the change."""
  versionAfter: Int!
}

"""A file that was written or deleted."""
type AuditedFileChange {
  """The path in the file store."""
  path: String!

  """
  The version that was there; \`null\`: there was none, or it is not known.
  """
  etagBefore: String

  """
  The version that was there then; \`null\`: the file was gone, or it is not known.
  """
  etagAfter: String
}

"""One version of a file in the 3D file store."""
type File {
  """The path in the file store, such as \`models/ring-17.stl\`."""
  path: String!

  """The last part of the path, such as \`ring-17.stl\`."""
  name: String!

  """
  The size in bytes. A \`Float\`, because an \`Int\` of GraphQL ends at 2 GiB; it is always a whole number.
  """
  size: Float!

  """The media type, such as \`model/stl\`."""
  contentType: String!

  """
  The version of the bytes, as HTTP's \`ETag\` header has it, quotes included. Another version has another one.
  """
  etag: String!

  """When this version was written; whole seconds."""
  lastModified: DateTime!

  """
  A URL that gives the bytes to whoever has it, with no further token, until it expires. Treat it like a password.

  Errors: \`BAD_USER_INPUT\` (\`expiresIn\` out of range).
  """
  url(
    """Who delivers the bytes."""
    delivery: FileDelivery = GATEWAY

    """How long the URL works, in seconds: 1 … 604800 (7 days)."""
    expiresIn: Int = 300
  ): URL!
}

"""Who delivers the bytes of a file."""
enum FileDelivery {
  """
  The gateway, out of its cache: quickest for files that are asked for again and again.
  """
  GATEWAY

  """
  The file store itself, by a presigned URL: nothing passes through the gateway. A store that has no URLs of its own (a
  folder) is delivered by the gateway.
  """
  STORE
}

"""
How the orders of one UTC day are cached. Rates are those of the last minutes, of all instances.
"""
type DayLevel {
  """The day of data, in UTC: \`2025-07-24\`."""
  day: String!

  """The window size in minutes that this day is read and cached in."""
  level: Int!

  """Since when; \`null\`: from the beginning."""
  since: DateTime

  """The largest size that the number of its orders allows; \`null\`: any."""
  cap: Int

  """Windows of this day that are read per minute, at its level."""
  readsPerMinute: Float!

  """Those of them that the cache had, at this instance."""
  hitsPerMinute: Float!

  """Windows of this day that are invalidated per minute, at its level."""
  changesPerMinute: Float!

  """Orders of this day per minute of the day."""
  rowsPerMinute: Float!

  """What each size is predicted to cost."""
  costs: [LevelCost!]!
}

"""What one window size is predicted to cost for one day."""
type LevelCost {
  """The window size in minutes."""
  level: Int!

  """Milliseconds of database and store, per minute."""
  msPerMinute: Float!
}

"""
Everything that can be changed. When a mutation has been answered, no request that starts later gets older data.
A partner's token may not change anything: the error's code is \`FORBIDDEN\`.
"""
type Mutation {
  """
  Says that the file at \`path\` was written or deleted in the file store, so that nobody gets the old one any more. For
  operators and services. Answers the file as it is now, or \`null\` when it is gone.

  Errors: \`BAD_USER_INPUT\`, \`UNAUTHENTICATED\`, \`FORBIDDEN\`, \`SOURCE_UNAVAILABLE\`.
  """
  fileChanged(
    """
    The path in the file store, without a leading slash: \`models/ring-17.stl\`.
    """
    path: String!
  ): File

  """
  Moves one order forward in the status flow (see \`OrderStatus\`) and answers the order as it is then.

  Example: \`updateOrderStatus(id: "0b6f7a52-1c1e-4d0a-9c55-3f1f0a3f2e11", status: PACKAGING, expectedVersion: 7) { status version }\`
  Errors: \`BAD_USER_INPUT\`, \`UNAUTHENTICATED\`, \`FORBIDDEN\`, \`NOT_FOUND\`, \`CONFLICT\`, \`INVALID_TRANSITION\`,
  \`SOURCE_UNAVAILABLE\`.
  """
  updateOrderStatus(
    """The order's UUID."""
    id: ID!

    """The status that the order gets."""
    status: OrderStatus!

    """
    The \`version\` that you have seen. When the order has another one by now, nothing changes: \`CONFLICT\`. Absent: no check.
    """
    expectedVersion: Int
  ): Order!

  """
  Moves several orders in one transaction: all or none. The answer has the order of \`changes\`.

  Errors: as for \`updateOrderStatus\`; the message names the order that stood in the way.
  """
  updateOrderStatuses(
    """The changes, each for another order."""
    changes: [OrderStatusChange!]!
  ): [Order!]!
}

"""One change of \`updateOrderStatuses\`."""
input OrderStatusChange {
  """The order's UUID."""
  id: ID!

  """The status that the order gets."""
  status: OrderStatus!

  """
  The \`version\` that you have seen. When the order has another one by now, nothing changes: \`CONFLICT\`. Absent: no check.
  """
  expectedVersion: Int
}

"""
Where an order stands. The flow is the order of these values: a change goes one step or more forward, never back.
\`CANCELLED\` can be reached from any status but \`SHIPPED\` and \`CLOSED\`; nothing leaves \`CLOSED\` or \`CANCELLED\`.
Any other change fails with \`INVALID_TRANSITION\`.
"""
enum OrderStatus {
  """The order was opened; its 3D file is still missing."""
  INITIATED

  """The 3D file has arrived."""
  FILE_UPLOADED

  """The customer has sent the order off."""
  SUBMITTED

  """The price is known."""
  PRICE_CALCULATED

  """The order may be manufactured."""
  MANUFACTURING_APPROVED

  """The part is being made."""
  MANUFACTURING_STARTED

  """The part is made."""
  MANUFACTURING_COMPLETED

  """The part is being packed."""
  PACKAGING

  """
  The parcel has left; the order can no longer be cancelled, only closed.
  """
  SHIPPED

  """Done. Final."""
  CLOSED

  """Called off. Final."""
  CANCELLED
}

"""One order of the MES."""
type Order {
  """A UUID in lower case. It never changes."""
  id: ID!

  """The number that people use, as the MES gave it."""
  number: String!

  """Where the order stands now."""
  status: OrderStatus!

  """
  When the order was created, floored to milliseconds. It never changes, and it decides which windows the order is in.
  """
  createdAt: DateTime!

  """When the order changed last, floored to milliseconds."""
  updatedAt: DateTime!

  """
  Grows by one with every change of status; send it as \`expectedVersion\` to change only what you have seen.
  """
  version: Int!

  """
  The partner that the order belongs to; \`null\` when it came in directly.
  """
  partnerId: ID

  """Who ordered."""
  customer: String!

  """What is to be made."""
  product: String!

  """What it is made of."""
  material: String!

  """The number of pieces."""
  quantity: Int!

  """
  The price of the whole order in the currency's smallest unit: 12950 with \`EUR\` is 129.50 euros.
  """
  priceMinor: Int!

  """The currency of \`priceMinor\`, as an ISO 4217 code such as \`EUR\`."""
  currency: String!

  """
  The path of the part's 3D file, as \`file(path)\` takes it; \`null\` as long as there is none.
  """
  filePath: String

  """
  The part's 3D file; \`null\` when the order names none, or when the file store has no such file.
  """
  file: File
}

"""A list of orders, newest first; as in Relay's cursor connections."""
type OrderConnection {
  """The orders, each with its cursor."""
  edges: [OrderEdge!]!

  """The same orders without cursors."""
  nodes: [Order!]!

  """Whether the list goes on, and from where."""
  pageInfo: PageInfo!

  """
  All orders of the window that match \`status\` and that you may see, whatever \`first\` and \`after\` say.
  """
  totalCount: Int!

  """
  The moment when the oldest part of the list was read from the database. What has changed since then was not in this
  part of the list, or it would have been read again.
  """
  asOf: DateTime!
}

"""An order and its place in the list."""
type OrderEdge {
  """The order."""
  node: Order!

  """
  An opaque text that marks this place, for \`after\`. Keep it as it is; its form may change.
  """
  cursor: String!
}

"""Where a list was cut; as in Relay's cursor connections."""
type PageInfo {
  """
  \`true\` when more follow: \`first\` cut the list or, without \`first\`, the cap did (10 000 orders of a window).
  Ask again with the same arguments and \`after: endCursor\`.
  """
  hasNextPage: Boolean!

  """\`true\` when \`after\` skipped something that comes earlier in the list."""
  hasPreviousPage: Boolean!

  """The cursor of the first one in \`edges\`; \`null\` when there are none."""
  startCursor: String

  """The cursor of the last one in \`edges\`; \`null\` when there are none."""
  endCursor: String
}

"""
Everything that can be read. Who asks is told by the request's \`Authorization: Bearer <JWT>\` header.

An operator sees everything. A partner sees own orders and own files only: somebody else's order or file is \`null\`,
exactly like one that does not exist, and lists and counts leave it out.

Every error carries \`extensions.code\`:

- \`BAD_USER_INPUT\`: an argument is out of range or malformed, and the message names it and says what was expected; or the operation
  asks for too much, and \`extensions\` has the \`limit\`, its \`max\`, and what was \`found\`
- \`UNAUTHENTICATED\`: the token is missing, expired or not valid
- \`FORBIDDEN\`: the token is valid, but its role may not do this
- \`NOT_FOUND\`: a mutation names an order that does not exist
- \`CONFLICT\`: the order is no longer at the \`expectedVersion\`
- \`INVALID_TRANSITION\`: the status flow does not allow the change
- \`SOURCE_UNAVAILABLE\`: the database, the file store or the feed of changes does not answer, or the operation took too long; try again
  shortly
- \`RATE_LIMITED\`: a limit of points, bytes of files or failed authentications is used up (\`Retry-After\` tells for how long); or
  too many live connections, or operations in one; or a client that is too slow for its subscriptions
- \`GRAPHQL_PARSE_FAILED\`: the operation is not GraphQL
- \`GRAPHQL_VALIDATION_FAILED\`: the operation does not fit this schema
- \`OPERATION_RESOLUTION_FAILURE\`: the document has several operations, and \`operationName\` is none of them
- \`PERSISTED_QUERY_NOT_FOUND\`: the gateway does not know this operation: send its text, unless only known ones are taken
- \`BAD_REQUEST\`: the HTTP request holds no operation that can be answered
- \`INTERNAL_SERVER_ERROR\`: a fault of the gateway; its cause stands in the gateway's log only
"""
type Query {
  """
  Who changed which order or file through a gateway, newest first; for operators. What other programs change in the database is
  not in it. Without arguments everything, else what fits all of them. It is read anew each time.

  Example, what became of one order:
  \`auditLog(orderId: "0b6f7a52-1c1e-4d0a-9c55-3f1f0a3f2e11") { nodes { at actor { subject } orderChange { statusBefore statusAfter } } }\`
  Errors: \`BAD_USER_INPUT\`, \`UNAUTHENTICATED\`, \`FORBIDDEN\`, \`SOURCE_UNAVAILABLE\` (also when there is no audit log).
  """
  auditLog(
    """The number of records to answer at most: 1 … 200. Absent: 50."""
    first: Int

    """
    Continue after this cursor, one that an earlier answer to the same arguments gave (\`endCursor\`).
    """
    after: String

    """Only changes of this order: its UUID."""
    orderId: ID

    """Only changes of the file at this path."""
    filePath: String

    """Only changes by this caller: the \`sub\` of the token."""
    actor: String

    """Only changes of this moment or later."""
    from: DateTime

    """Only changes before this moment."""
    to: DateTime
  ): AuditConnection!

  """
  A file of the 3D file store, or \`null\` when there is none at this path, or none that you may see. A partner may see the
  files that own orders name.

  Example: \`file(path: "models/ring-17.stl") { size contentType url(expiresIn: 600) }\`
  Errors: \`BAD_USER_INPUT\` (not a valid path), \`UNAUTHENTICATED\`, \`SOURCE_UNAVAILABLE\`.
  """
  file(
    """
    The path in the file store, without a leading slash: \`models/ring-17.stl\`.
    """
    path: String!
  ): File

  """
  At which window size each day of data is cached now, and why: for operators of the gateway. Only days that were read lately
  are known, and only what the instance that answers has measured or was told by others.

  Example: \`windowLevels(from: "2025-07-24T00:00Z") { day level readsPerMinute costs { level msPerMinute } }\`
  Errors: \`BAD_USER_INPUT\` (\`to\` is not after \`from\`), \`UNAUTHENTICATED\`, \`FORBIDDEN\`.
  """
  windowLevels(
    """Only days that end after this moment. Absent: from the first one."""
    from: DateTime

    """Only days that begin before this moment. Absent: to the last one."""
    to: DateTime
  ): [DayLevel!]!

  """
  Orders by the moment they were created, newest first; orders of the same millisecond by \`id\`, descending.

  - \`createdBy\` and \`window\`: created in [\`createdBy\`, \`createdBy\` + \`window\` minutes); the end is excluded
  - \`createdBy\` alone: a window of 60 minutes
  - \`window\` alone: the last \`window\` minutes, up to now
  - neither: today's orders; today begins at midnight in the plant's time zone

  Example, one hour of orders: \`orders(createdBy: "2025-07-24T15:00Z", window: 60) { nodes { number status } }\`

  Many windows in one operation (by aliases) cost the database no more than one.
  Errors: \`BAD_USER_INPUT\`, \`UNAUTHENTICATED\`, \`SOURCE_UNAVAILABLE\`.
  """
  orders(
    """
    The start of the window, included. Needs an offset or \`Z\`: \`2025-07-24T15:00Z\`.
    """
    createdBy: DateTime

    """The length of the window in minutes: 1 … 44640 (31 days)."""
    window: Int

    """
    Only orders that have one of these statuses now. Absent or \`null\`: any status. An empty list matches none.
    """
    status: [OrderStatus!]

    """
    The number of orders to answer at most: 0 … 10000. Absent: the whole window, up to 10 000 orders; when there are
    more, \`pageInfo.hasNextPage\` is \`true\`.
    """
    first: Int

    """
    Continue after this cursor, one that an earlier answer to the same arguments gave (\`endCursor\`).
    """
    after: String
  ): OrderConnection!

  """
  One order, or \`null\` when there is none with this id, or none that you may see.

  Example: \`order(id: "0b6f7a52-1c1e-4d0a-9c55-3f1f0a3f2e11") { number status version file { url } }\`
  Errors: \`BAD_USER_INPUT\` (not a UUID), \`UNAUTHENTICATED\`, \`SOURCE_UNAVAILABLE\`.
  """
  order(
    """The order's UUID."""
    id: ID!
  ): Order
}

"""
A moment, as an ISO 8601 string.

As an argument it needs a time zone, either an offset or \`Z\`; seconds and fractions of them are optional:
\`2025-07-24T15:00Z\`, \`2025-07-24T17:00:00+02:00\`. In an answer it is always UTC with milliseconds:
\`2025-07-24T15:00:00.000Z\`.
"""
scalar DateTime

"""
An absolute URL, such as \`https://gateway.example/files/models/ring-17.stl?…\`.
"""
scalar URL

"""
What is told while it happens, whoever makes the change: this gateway, another one, or another program. By WebSocket
(\`graphql-transport-ws\`) or as server-sent events, both at \`/graphql\`; one field for each subscription.

An event is sent only when a query would answer the change already, so a query that an event causes is never older. Of one
order, an older \`version\` never follows a newer one. Changes of one order in quick succession may come as one event
with its newest state, and an event may come twice: keep what has the highest \`version\`.

A subscription that may have missed something ends with \`SOURCE_UNAVAILABLE\`. To miss nothing, subscribe first, query when the
subscription has begun, and apply the events to the answer; after every new connection do the same again.
"""
type Subscription {
  """
  An order was created or changed; the order as it is then.

  - no arguments: every order that you may see
  - \`createdBy\` and \`window\`: as in \`orders\`; a window that ends now moves on with the clock
  - \`status\`: only when the order has one of these statuses after the change; an empty list matches none

  An order that grows out of a moving window does not change, so nothing is sent.

  Example: \`subscription { orderChanged(window: 60, status: [SHIPPED]) { id number version } }\`
  Errors: \`BAD_USER_INPUT\`, \`UNAUTHENTICATED\`, \`FORBIDDEN\`, \`SOURCE_UNAVAILABLE\` (also when the gateway has no feed of changes:
  \`CHANGE_FEED=off\`).
  """
  orderChanged(
    """
    The start of the window, included. Needs an offset or \`Z\`: \`2025-07-24T15:00Z\`. Absent, with \`window\`: the last minutes.
    """
    createdBy: DateTime

    """
    The length of the window in minutes: 1 … 44640 (31 days). Absent, with \`createdBy\`: 60.
    """
    window: Int

    """
    Only orders that have one of these statuses after the change. Absent or \`null\`: any status.
    """
    status: [OrderStatus!]
  ): Order!

  """
  An order was inserted; the order as it is then. An order that comes into your sight by a change is not new.

  Example: \`subscription { newOrders { id number customer product } }\`
  Errors: as for \`orderChanged\`.
  """
  newOrders: Order!

  """
  The \`id\` of an order that you could see, and see no longer: it was deleted, moved out of the window, or given to another
  partner. A gateway that polls its database (\`CHANGE_FEED=poll\`) does not see deletions, and moves only sometimes.

  Example: \`subscription { orderRemoved(createdBy: "2025-07-24T15:00Z", window: 60) }\`
  Errors: as for \`orderChanged\`.
  """
  orderRemoved(
    """
    The start of the window, included. Absent, with \`window\`: the last minutes; without both: orders of any age.
    """
    createdBy: DateTime

    """
    The length of the window in minutes: 1 … 44640 (31 days). Absent, with \`createdBy\`: 60.
    """
    window: Int
  ): ID!
}
`;
