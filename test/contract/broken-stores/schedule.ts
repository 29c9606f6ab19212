import { setTimeout as delay } from 'node:timers/promises';
import type { OutboxMessage, ScheduleWrite } from '@waggle/messaging';
import { committing, doing, type BrokenStore } from './broken-store.ts';

const scheduling = (change: (schedule: readonly ScheduleWrite[]) => readonly ScheduleWrite[]) =>
  committing(({ schedule = [], ...rest }) => ({ ...rest, schedule: change(schedule) }));

export const isEarly: BrokenStore = {
  name: 'lets scheduled messages leave a little early, and takes its time for it',
  plant: doing((store) => ({
    async releaseDue(nowMs, limit) {
      await delay(20);
      return store.releaseDue(nowMs + 500, limit);
    },
  })),
  caughtBy: ['L2', 'L3'],
};

export const leavesTwice: BrokenStore = {
  name: 'lets scheduled messages leave twice',
  plant() {
    const scheduled = new Map<string, OutboxMessage>();
    return {
      wrap: (store) => ({
        ...store,
        commit(scope, changes) {
          for (const { due } of changes.schedule ?? []) if (due) scheduled.set(due.message.id, due.message);
          return store.commit(scope, changes);
        },
        async releaseDue(nowMs, limit) {
          const released = await store.releaseDue(nowMs, limit);
          const { entries } = await store.outbox({ after: 0, limit: Infinity });
          const outbox = entries.flatMap(({ id }) => scheduled.get(id) ?? []);
          for (const { id } of outbox) scheduled.delete(id);
          if (outbox.length > 0) await store.commit('testing', { timeMs: nowMs, outbox });
          return released;
        },
      }),
    };
  },
  caughtBy: ['L2', 'L3', 'L4', 'L5'],
};

export const doesNotSayWhen: BrokenStore = {
  name: 'does not say when the next message is due',
  plant: doing((store) => ({
    async releaseDue(...args) {
      await store.releaseDue(...args);
      return { nextMs: undefined };
    },
  })),
  caughtBy: ['L2', 'L3', 'L4', 'L5', 'M19'],
};

export const releasesAll: BrokenStore = {
  name: 'releases all that is due, however many were wanted',
  plant: doing((store) => ({ releaseDue: (nowMs) => store.releaseDue(nowMs, Infinity) })),
  caughtBy: ['L2'],
};

export const losesThePast: BrokenStore = {
  name: 'loses what is scheduled for a time that is past',
  plant: committing(({ schedule = [], ...rest }) => ({
    ...rest,
    schedule: schedule.filter(({ due }) => due === undefined || due.atMs >= rest.timeMs),
  })),
  caughtBy: ['L2'],
};

export const forgetsTheKey: BrokenStore = {
  name: 'does not keep the key of a scheduled message',
  plant: scheduling((schedule) =>
    schedule.map(({ id, due }) => ({
      id,
      ...(due && { due: { ...due, message: { ...due.message, key: undefined } } }),
    })),
  ),
  caughtBy: ['L2'],
};

export const losesAllAtAStart: BrokenStore = {
  name: 'has lost what was scheduled when it is opened again',
  plant() {
    const scheduled = new Map<string, Set<string>>();
    return {
      wrap: (store) => ({
        ...store,
        async open() {
          await store.open();
          for (const [scope, ids] of scheduled)
            await store.commit(scope, { timeMs: 0, schedule: [...ids].map((id) => ({ id })) });
        },
        commit(scope, changes) {
          const ids = (changes.schedule ?? []).map(({ id }) => id);
          scheduled.set(scope, new Set([...(scheduled.get(scope) ?? []), ...ids]));
          return store.commit(scope, changes);
        },
      }),
    };
  },
  caughtBy: ['L3'],
};

export const neverCancels: BrokenStore = {
  name: 'does not cancel',
  plant: scheduling((schedule) => schedule.filter(({ due }) => due !== undefined)),
  caughtBy: ['L4'],
};

export const neverReschedules: BrokenStore = {
  name: 'keeps the time that a message was scheduled for first',
  plant() {
    const known = new Set<string>();
    return scheduling((schedule) =>
      schedule.filter(({ id, due }) => {
        const isNew = !known.has(id);
        if (due === undefined) known.delete(id);
        else known.add(id);
        return isNew || due === undefined;
      }),
    )();
  },
  caughtBy: ['L4', 'L5'],
};

export const keepsBothTimes: BrokenStore = {
  name: 'lets a message that is rescheduled leave at both times',
  plant() {
    let count = 0;
    return scheduling((schedule) => schedule.map((write) => ({ ...write, id: `${write.id}-${count++}` })))();
  },
  caughtBy: ['L4'],
};

export const sharesNames: BrokenStore = {
  name: 'takes the names that two services give to what they schedule for one',
  plant: doing((store) => ({
    async commit(scope, { schedule = [], ...changes }) {
      const committed = await store.commit(scope, changes);
      if (committed.outcome === 'committed' && schedule.length > 0)
        await store.commit('all', { timeMs: changes.timeMs, schedule });
      return committed;
    },
  })),
  caughtBy: ['L5'],
};

export const knowsTypesAlone: BrokenStore = {
  name: 'keeps one scheduled message a type',
  plant: scheduling((schedule) =>
    schedule.map(({ due }) => ({ id: due?.message.kind ?? 'event', ...(due && { due }) })),
  ),
  caughtBy: ['L2', 'L3', 'L4', 'L5'],
};
