// Generated from schema/ by `npm run codegen`.
import type { GraphQLResolveInfo, GraphQLScalarType, GraphQLScalarTypeConfig } from 'graphql';
import type { Order as StoredOrder } from '../../orders/order.js';
import type { OrderPage } from '../../orders/page.js';
import type { DayLevel as MeasuredDay } from '../../loaders/level-report.js';
import type { LevelCost as PredictedCost } from '../../orders/level-choice.js';
import type { FileMetadata } from '../../files/file.js';
import type { AuditPage } from '../../loaders/audit-reads.js';
import type { AuditEntry as AuditRecord } from '../../audit/audit.js';
import type { Context } from '../context.js';
export type Maybe<T> = T | null;
export type InputMaybe<T> = T | null;
export type RequireFields<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };
/** All built-in and custom scalars, mapped to their actual values */
export type Scalars = {
  ID: { input: string; output: string; }
  String: { input: string; output: string; }
  Boolean: { input: boolean; output: boolean; }
  Int: { input: number; output: number; }
  Float: { input: number; output: number; }
  DateTime: { input: number; output: number; }
  URL: { input: string; output: string; }
};

export type AuditActor = {
  readonly __typename?: 'AuditActor';
  readonly partnerId: Maybe<Scalars['ID']['output']>;
  readonly role: Scalars['String']['output'];
  readonly subject: Scalars['String']['output'];
};

export type AuditConnection = {
  readonly __typename?: 'AuditConnection';
  readonly edges: ReadonlyArray<AuditEdge>;
  readonly nodes: ReadonlyArray<AuditEntry>;
  readonly pageInfo: PageInfo;
};

export type AuditEdge = {
  readonly __typename?: 'AuditEdge';
  readonly cursor: Scalars['String']['output'];
  readonly node: AuditEntry;
};

export type AuditEntry = {
  readonly __typename?: 'AuditEntry';
  readonly actor: AuditActor;
  readonly at: Scalars['DateTime']['output'];
  readonly fileChange: Maybe<AuditedFileChange>;
  readonly id: Scalars['ID']['output'];
  readonly orderChange: Maybe<AuditedOrderChange>;
  readonly requestId: Scalars['String']['output'];
  readonly way: AuditWay;
};

export type AuditWay =
  | 'EVENT'
  | 'MUTATION'
  | 'UPLOAD';

export type AuditedFileChange = {
  readonly __typename?: 'AuditedFileChange';
  readonly etagAfter: Maybe<Scalars['String']['output']>;
  readonly etagBefore: Maybe<Scalars['String']['output']>;
  readonly path: Scalars['String']['output'];
};

export type AuditedOrderChange = {
  readonly __typename?: 'AuditedOrderChange';
  readonly number: Scalars['String']['output'];
  readonly orderId: Scalars['ID']['output'];
  readonly statusAfter: OrderStatus;
  readonly statusBefore: OrderStatus;
  readonly versionAfter: Scalars['Int']['output'];
  readonly versionBefore: Scalars['Int']['output'];
};

export type DayLevel = {
  readonly __typename?: 'DayLevel';
  readonly cap: Maybe<Scalars['Int']['output']>;
  readonly changesPerMinute: Scalars['Float']['output'];
  readonly costs: ReadonlyArray<LevelCost>;
  readonly day: Scalars['String']['output'];
  readonly hitsPerMinute: Scalars['Float']['output'];
  readonly level: Scalars['Int']['output'];
  readonly readsPerMinute: Scalars['Float']['output'];
  readonly rowsPerMinute: Scalars['Float']['output'];
  readonly since: Maybe<Scalars['DateTime']['output']>;
};

export type File = {
  readonly __typename?: 'File';
  readonly contentType: Scalars['String']['output'];
  readonly etag: Scalars['String']['output'];
  readonly lastModified: Scalars['DateTime']['output'];
  readonly name: Scalars['String']['output'];
  readonly path: Scalars['String']['output'];
  readonly size: Scalars['Float']['output'];
  readonly url: Scalars['URL']['output'];
};


export type FileUrlArgs = {
  delivery?: InputMaybe<FileDelivery>;
  expiresIn?: InputMaybe<Scalars['Int']['input']>;
};

export type FileDelivery =
  | 'GATEWAY'
  | 'STORE';

export type LevelCost = {
  readonly __typename?: 'LevelCost';
  readonly level: Scalars['Int']['output'];
  readonly msPerMinute: Scalars['Float']['output'];
};

export type Mutation = {
  readonly __typename?: 'Mutation';
  readonly fileChanged: Maybe<File>;
  readonly updateOrderStatus: Order;
  readonly updateOrderStatuses: ReadonlyArray<Order>;
};


export type MutationFileChangedArgs = {
  path: Scalars['String']['input'];
};


export type MutationUpdateOrderStatusArgs = {
  expectedVersion?: InputMaybe<Scalars['Int']['input']>;
  id: Scalars['ID']['input'];
  status: OrderStatus;
};


export type MutationUpdateOrderStatusesArgs = {
  changes: ReadonlyArray<OrderStatusChange>;
};

export type Order = {
  readonly __typename?: 'Order';
  readonly createdAt: Scalars['DateTime']['output'];
  readonly currency: Scalars['String']['output'];
  readonly customer: Scalars['String']['output'];
  readonly file: Maybe<File>;
  readonly filePath: Maybe<Scalars['String']['output']>;
  readonly id: Scalars['ID']['output'];
  readonly material: Scalars['String']['output'];
  readonly number: Scalars['String']['output'];
  readonly partnerId: Maybe<Scalars['ID']['output']>;
  readonly priceMinor: Scalars['Int']['output'];
  readonly product: Scalars['String']['output'];
  readonly quantity: Scalars['Int']['output'];
  readonly status: OrderStatus;
  readonly updatedAt: Scalars['DateTime']['output'];
  readonly version: Scalars['Int']['output'];
};

export type OrderConnection = {
  readonly __typename?: 'OrderConnection';
  readonly asOf: Scalars['DateTime']['output'];
  readonly edges: ReadonlyArray<OrderEdge>;
  readonly nodes: ReadonlyArray<Order>;
  readonly pageInfo: PageInfo;
  readonly totalCount: Scalars['Int']['output'];
};

export type OrderEdge = {
  readonly __typename?: 'OrderEdge';
  readonly cursor: Scalars['String']['output'];
  readonly node: Order;
};

export type OrderStatus =
  | 'CANCELLED'
  | 'CLOSED'
  | 'FILE_UPLOADED'
  | 'INITIATED'
  | 'MANUFACTURING_APPROVED'
  | 'MANUFACTURING_COMPLETED'
  | 'MANUFACTURING_STARTED'
  | 'PACKAGING'
  | 'PRICE_CALCULATED'
  | 'SHIPPED'
  | 'SUBMITTED';

export type OrderStatusChange = {
  readonly expectedVersion?: InputMaybe<Scalars['Int']['input']>;
  readonly id: Scalars['ID']['input'];
  readonly status: OrderStatus;
};

export type PageInfo = {
  readonly __typename?: 'PageInfo';
  readonly endCursor: Maybe<Scalars['String']['output']>;
  readonly hasNextPage: Scalars['Boolean']['output'];
  readonly hasPreviousPage: Scalars['Boolean']['output'];
  readonly startCursor: Maybe<Scalars['String']['output']>;
};

export type Query = {
  readonly __typename?: 'Query';
  readonly auditLog: AuditConnection;
  readonly file: Maybe<File>;
  readonly order: Maybe<Order>;
  readonly orders: OrderConnection;
  readonly windowLevels: ReadonlyArray<DayLevel>;
};


export type QueryAuditLogArgs = {
  actor?: InputMaybe<Scalars['String']['input']>;
  after?: InputMaybe<Scalars['String']['input']>;
  filePath?: InputMaybe<Scalars['String']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  from?: InputMaybe<Scalars['DateTime']['input']>;
  orderId?: InputMaybe<Scalars['ID']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};


export type QueryFileArgs = {
  path: Scalars['String']['input'];
};


export type QueryOrderArgs = {
  id: Scalars['ID']['input'];
};


export type QueryOrdersArgs = {
  after?: InputMaybe<Scalars['String']['input']>;
  createdBy?: InputMaybe<Scalars['DateTime']['input']>;
  first?: InputMaybe<Scalars['Int']['input']>;
  status?: InputMaybe<ReadonlyArray<OrderStatus>>;
  window?: InputMaybe<Scalars['Int']['input']>;
};


export type QueryWindowLevelsArgs = {
  from?: InputMaybe<Scalars['DateTime']['input']>;
  to?: InputMaybe<Scalars['DateTime']['input']>;
};

export type Subscription = {
  readonly __typename?: 'Subscription';
  readonly newOrders: Order;
  readonly orderChanged: Order;
  readonly orderRemoved: Scalars['ID']['output'];
};


export type SubscriptionOrderChangedArgs = {
  createdBy?: InputMaybe<Scalars['DateTime']['input']>;
  status?: InputMaybe<ReadonlyArray<OrderStatus>>;
  window?: InputMaybe<Scalars['Int']['input']>;
};


export type SubscriptionOrderRemovedArgs = {
  createdBy?: InputMaybe<Scalars['DateTime']['input']>;
  window?: InputMaybe<Scalars['Int']['input']>;
};



export type ResolverTypeWrapper<T> = Promise<T> | T;


export type ResolverWithResolve<TResult, TParent, TContext, TArgs> = {
  resolve: ResolverFn<TResult, TParent, TContext, TArgs>;
};
export type Resolver<TResult, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = ResolverFn<TResult, TParent, TContext, TArgs> | ResolverWithResolve<TResult, TParent, TContext, TArgs>;

export type ResolverFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => Promise<TResult> | TResult;

export type SubscriptionSubscribeFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => AsyncIterable<TResult> | Promise<AsyncIterable<TResult>>;

export type SubscriptionResolveFn<TResult, TParent, TContext, TArgs> = (
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;

export interface SubscriptionSubscriberObject<TResult, TKey extends string, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<{ [key in TKey]: TResult }, TParent, TContext, TArgs>;
  resolve?: SubscriptionResolveFn<TResult, { [key in TKey]: TResult }, TContext, TArgs>;
}

export interface SubscriptionResolverObject<TResult, TParent, TContext, TArgs> {
  subscribe: SubscriptionSubscribeFn<any, TParent, TContext, TArgs>;
  resolve: SubscriptionResolveFn<TResult, any, TContext, TArgs>;
}

export type SubscriptionObject<TResult, TKey extends string, TParent, TContext, TArgs> =
  | SubscriptionSubscriberObject<TResult, TKey, TParent, TContext, TArgs>
  | SubscriptionResolverObject<TResult, TParent, TContext, TArgs>;

export type SubscriptionResolver<TResult, TKey extends string, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> =
  | ((...args: any[]) => SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>)
  | SubscriptionObject<TResult, TKey, TParent, TContext, TArgs>;

export type TypeResolveFn<TTypes, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (
  parent: TParent,
  context: TContext,
  info: GraphQLResolveInfo
) => Maybe<TTypes> | Promise<Maybe<TTypes>>;

export type IsTypeOfResolverFn<T = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>> = (obj: T, context: TContext, info: GraphQLResolveInfo) => boolean | Promise<boolean>;

export type NextResolverFn<T> = () => Promise<T>;

export type DirectiveResolverFn<TResult = Record<PropertyKey, never>, TParent = Record<PropertyKey, never>, TContext = Record<PropertyKey, never>, TArgs = Record<PropertyKey, never>> = (
  next: NextResolverFn<TResult>,
  parent: TParent,
  args: TArgs,
  context: TContext,
  info: GraphQLResolveInfo
) => TResult | Promise<TResult>;





/** Mapping between all available schema types and the resolvers types */
export type ResolversTypes = {
  AuditActor: ResolverTypeWrapper<AuditRecord>;
  AuditConnection: ResolverTypeWrapper<AuditPage>;
  AuditEdge: ResolverTypeWrapper<AuditRecord>;
  AuditEntry: ResolverTypeWrapper<AuditRecord>;
  AuditWay: AuditWay;
  AuditedFileChange: ResolverTypeWrapper<AuditedFileChange>;
  AuditedOrderChange: ResolverTypeWrapper<AuditedOrderChange>;
  Boolean: ResolverTypeWrapper<Scalars['Boolean']['output']>;
  DateTime: ResolverTypeWrapper<Scalars['DateTime']['output']>;
  DayLevel: ResolverTypeWrapper<MeasuredDay>;
  File: ResolverTypeWrapper<FileMetadata>;
  FileDelivery: FileDelivery;
  Float: ResolverTypeWrapper<Scalars['Float']['output']>;
  ID: ResolverTypeWrapper<Scalars['ID']['output']>;
  Int: ResolverTypeWrapper<Scalars['Int']['output']>;
  LevelCost: ResolverTypeWrapper<PredictedCost>;
  Mutation: ResolverTypeWrapper<Record<PropertyKey, never>>;
  Order: ResolverTypeWrapper<StoredOrder>;
  OrderConnection: ResolverTypeWrapper<OrderPage>;
  OrderEdge: ResolverTypeWrapper<StoredOrder>;
  OrderStatus: OrderStatus;
  OrderStatusChange: OrderStatusChange;
  PageInfo: ResolverTypeWrapper<PageInfo>;
  Query: ResolverTypeWrapper<Record<PropertyKey, never>>;
  String: ResolverTypeWrapper<Scalars['String']['output']>;
  Subscription: ResolverTypeWrapper<Record<PropertyKey, never>>;
  URL: ResolverTypeWrapper<Scalars['URL']['output']>;
};

/** Mapping between all available schema types and the resolvers parents */
export type ResolversParentTypes = {
  AuditActor: AuditRecord;
  AuditConnection: AuditPage;
  AuditEdge: AuditRecord;
  AuditEntry: AuditRecord;
  AuditedFileChange: AuditedFileChange;
  AuditedOrderChange: AuditedOrderChange;
  Boolean: Scalars['Boolean']['output'];
  DateTime: Scalars['DateTime']['output'];
  DayLevel: MeasuredDay;
  File: FileMetadata;
  Float: Scalars['Float']['output'];
  ID: Scalars['ID']['output'];
  Int: Scalars['Int']['output'];
  LevelCost: PredictedCost;
  Mutation: Record<PropertyKey, never>;
  Order: StoredOrder;
  OrderConnection: OrderPage;
  OrderEdge: StoredOrder;
  OrderStatusChange: OrderStatusChange;
  PageInfo: PageInfo;
  Query: Record<PropertyKey, never>;
  String: Scalars['String']['output'];
  Subscription: Record<PropertyKey, never>;
  URL: Scalars['URL']['output'];
};

export type AuditActorResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditActor'] = ResolversParentTypes['AuditActor']> = {
  partnerId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  role?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  subject?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type AuditConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditConnection'] = ResolversParentTypes['AuditConnection']> = {
  edges?: Resolver<ReadonlyArray<ResolversTypes['AuditEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['AuditEntry']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
};

export type AuditEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditEdge'] = ResolversParentTypes['AuditEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['AuditEntry'], ParentType, ContextType>;
};

export type AuditEntryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditEntry'] = ResolversParentTypes['AuditEntry']> = {
  actor?: Resolver<ResolversTypes['AuditActor'], ParentType, ContextType>;
  at?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  fileChange?: Resolver<Maybe<ResolversTypes['AuditedFileChange']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  orderChange?: Resolver<Maybe<ResolversTypes['AuditedOrderChange']>, ParentType, ContextType>;
  requestId?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  way?: Resolver<ResolversTypes['AuditWay'], ParentType, ContextType>;
};

export type AuditedFileChangeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditedFileChange'] = ResolversParentTypes['AuditedFileChange']> = {
  etagAfter?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  etagBefore?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  path?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
};

export type AuditedOrderChangeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['AuditedOrderChange'] = ResolversParentTypes['AuditedOrderChange']> = {
  number?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  orderId?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  statusAfter?: Resolver<ResolversTypes['OrderStatus'], ParentType, ContextType>;
  statusBefore?: Resolver<ResolversTypes['OrderStatus'], ParentType, ContextType>;
  versionAfter?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  versionBefore?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export interface DateTimeScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['DateTime'], any> {
  name: 'DateTime';
}

export type DayLevelResolvers<ContextType = Context, ParentType extends ResolversParentTypes['DayLevel'] = ResolversParentTypes['DayLevel']> = {
  cap?: Resolver<Maybe<ResolversTypes['Int']>, ParentType, ContextType>;
  changesPerMinute?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  costs?: Resolver<ReadonlyArray<ResolversTypes['LevelCost']>, ParentType, ContextType>;
  day?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  hitsPerMinute?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  level?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  readsPerMinute?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  rowsPerMinute?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  since?: Resolver<Maybe<ResolversTypes['DateTime']>, ParentType, ContextType>;
};

export type FileResolvers<ContextType = Context, ParentType extends ResolversParentTypes['File'] = ResolversParentTypes['File']> = {
  contentType?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  etag?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  lastModified?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  name?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  path?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  size?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
  url?: Resolver<ResolversTypes['URL'], ParentType, ContextType, RequireFields<FileUrlArgs, 'delivery' | 'expiresIn'>>;
};

export type LevelCostResolvers<ContextType = Context, ParentType extends ResolversParentTypes['LevelCost'] = ResolversParentTypes['LevelCost']> = {
  level?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  msPerMinute?: Resolver<ResolversTypes['Float'], ParentType, ContextType>;
};

export type MutationResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Mutation'] = ResolversParentTypes['Mutation']> = {
  fileChanged?: Resolver<Maybe<ResolversTypes['File']>, ParentType, ContextType, RequireFields<MutationFileChangedArgs, 'path'>>;
  updateOrderStatus?: Resolver<ResolversTypes['Order'], ParentType, ContextType, RequireFields<MutationUpdateOrderStatusArgs, 'id' | 'status'>>;
  updateOrderStatuses?: Resolver<ReadonlyArray<ResolversTypes['Order']>, ParentType, ContextType, RequireFields<MutationUpdateOrderStatusesArgs, 'changes'>>;
};

export type OrderResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Order'] = ResolversParentTypes['Order']> = {
  createdAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  currency?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  customer?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  file?: Resolver<Maybe<ResolversTypes['File']>, ParentType, ContextType>;
  filePath?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  id?: Resolver<ResolversTypes['ID'], ParentType, ContextType>;
  material?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  number?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  partnerId?: Resolver<Maybe<ResolversTypes['ID']>, ParentType, ContextType>;
  priceMinor?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  product?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  quantity?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
  status?: Resolver<ResolversTypes['OrderStatus'], ParentType, ContextType>;
  updatedAt?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  version?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type OrderConnectionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['OrderConnection'] = ResolversParentTypes['OrderConnection']> = {
  asOf?: Resolver<ResolversTypes['DateTime'], ParentType, ContextType>;
  edges?: Resolver<ReadonlyArray<ResolversTypes['OrderEdge']>, ParentType, ContextType>;
  nodes?: Resolver<ReadonlyArray<ResolversTypes['Order']>, ParentType, ContextType>;
  pageInfo?: Resolver<ResolversTypes['PageInfo'], ParentType, ContextType>;
  totalCount?: Resolver<ResolversTypes['Int'], ParentType, ContextType>;
};

export type OrderEdgeResolvers<ContextType = Context, ParentType extends ResolversParentTypes['OrderEdge'] = ResolversParentTypes['OrderEdge']> = {
  cursor?: Resolver<ResolversTypes['String'], ParentType, ContextType>;
  node?: Resolver<ResolversTypes['Order'], ParentType, ContextType>;
};

export type PageInfoResolvers<ContextType = Context, ParentType extends ResolversParentTypes['PageInfo'] = ResolversParentTypes['PageInfo']> = {
  endCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
  hasNextPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  hasPreviousPage?: Resolver<ResolversTypes['Boolean'], ParentType, ContextType>;
  startCursor?: Resolver<Maybe<ResolversTypes['String']>, ParentType, ContextType>;
};

export type QueryResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Query'] = ResolversParentTypes['Query']> = {
  auditLog?: Resolver<ResolversTypes['AuditConnection'], ParentType, ContextType, Partial<QueryAuditLogArgs>>;
  file?: Resolver<Maybe<ResolversTypes['File']>, ParentType, ContextType, RequireFields<QueryFileArgs, 'path'>>;
  order?: Resolver<Maybe<ResolversTypes['Order']>, ParentType, ContextType, RequireFields<QueryOrderArgs, 'id'>>;
  orders?: Resolver<ResolversTypes['OrderConnection'], ParentType, ContextType, Partial<QueryOrdersArgs>>;
  windowLevels?: Resolver<ReadonlyArray<ResolversTypes['DayLevel']>, ParentType, ContextType, Partial<QueryWindowLevelsArgs>>;
};

export type SubscriptionResolvers<ContextType = Context, ParentType extends ResolversParentTypes['Subscription'] = ResolversParentTypes['Subscription']> = {
  newOrders?: SubscriptionResolver<ResolversTypes['Order'], "newOrders", ParentType, ContextType>;
  orderChanged?: SubscriptionResolver<ResolversTypes['Order'], "orderChanged", ParentType, ContextType, Partial<SubscriptionOrderChangedArgs>>;
  orderRemoved?: SubscriptionResolver<ResolversTypes['ID'], "orderRemoved", ParentType, ContextType, Partial<SubscriptionOrderRemovedArgs>>;
};

export interface UrlScalarConfig extends GraphQLScalarTypeConfig<ResolversTypes['URL'], any> {
  name: 'URL';
}

export type Resolvers<ContextType = Context> = {
  AuditActor?: AuditActorResolvers<ContextType>;
  AuditConnection?: AuditConnectionResolvers<ContextType>;
  AuditEdge?: AuditEdgeResolvers<ContextType>;
  AuditEntry?: AuditEntryResolvers<ContextType>;
  AuditedFileChange?: AuditedFileChangeResolvers<ContextType>;
  AuditedOrderChange?: AuditedOrderChangeResolvers<ContextType>;
  DateTime?: GraphQLScalarType;
  DayLevel?: DayLevelResolvers<ContextType>;
  File?: FileResolvers<ContextType>;
  LevelCost?: LevelCostResolvers<ContextType>;
  Mutation?: MutationResolvers<ContextType>;
  Order?: OrderResolvers<ContextType>;
  OrderConnection?: OrderConnectionResolvers<ContextType>;
  OrderEdge?: OrderEdgeResolvers<ContextType>;
  PageInfo?: PageInfoResolvers<ContextType>;
  Query?: QueryResolvers<ContextType>;
  Subscription?: SubscriptionResolvers<ContextType>;
  URL?: GraphQLScalarType;
};

