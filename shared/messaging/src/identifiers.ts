/** Under these an adapter's module binds what it made; plain symbols, so that no container is needed to name them. */
export const brokerDriver = Symbol.for('@waggle/BrokerDriver');
export const store = Symbol.for('@waggle/Store');
