/** What the services have on a broker: their groups, and the queues of commands. */
export const SOURCES = ['grp.ordering.settle-order', 'grp.notifications.notify-customer', 'cmd.payments'];

/** Of every host that is tested, and of the demo. */
export const LANES = 4;
