import { createRegistry } from '@waggle/contracts';
import * as parcels from '@waggle/contracts/testing';
import { onCommand, onEvent } from '@waggle/kernel';
import { defineService, offered } from '@waggle/runtime';
import { ContainerModule } from 'inversify';

const nothing = async (): Promise<void> => undefined;
const handlers = [
  onEvent('note-arrival', parcels.parcelArrived, nothing),
  onCommand('send-parcel', parcels.sendParcel, nothing),
];

/** A service for whom nothing matters but that it is there: no part of the repository, so its groups are nobody's. */
const service = defineService({
  name: 'depot',
  module: new ContainerModule(({ bind }) => void bind(offered.handlers).toConstantValue(handlers)),
});

/** What a host is given to run it. */
export const depot = { services: [service], contracts: createRegistry(parcels) };

/** What it has on a broker. */
export const DEPOT_SOURCES = ['grp.depot.note-arrival', 'cmd.parcels'];
