import { defineService, identifier, offered, provided } from '@waggle/runtime';
import { ContainerModule } from 'inversify';
import { http } from './adapters/http.ts';
import { logMessenger } from './adapters/log-messenger.ts';
import { onOrderOutcome } from './adapters/on-order-outcome.ts';
import { noticeRepository } from './adapters/notice-repository.ts';
import type { NotifyCustomer } from './application/notify-customer.ts';
import { notifyCustomer } from './application/notify-customer.ts';
import type { Messenger, SentNotices } from './application/ports.ts';

const notices = identifier<SentNotices>('SentNotices');
const messenger = identifier<Messenger>('Messenger');
const notify = identifier<NotifyCustomer>('NotifyCustomer');

export const service = defineService({
  name: 'notifications',
  module: new ContainerModule(({ bind }) => {
    bind(notices).toResolvedValue(noticeRepository, []);
    bind(messenger).toResolvedValue(logMessenger, [provided.logger]);
    bind(notify).toResolvedValue(notifyCustomer, [notices, messenger]);
    bind(offered.routes).toResolvedValue(http, [provided.unitOfWork, notices]);
    bind(offered.handlers).toResolvedValue(onOrderOutcome, [notify]);
  }),
});
