/** REST through TanStack Query; what moves is handed on to the live store. */

import { QueryCache, QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import { applyAlarms, applyChannels, applyDevices, applyHealth, putAlarm } from "../live/apply";
import { useStore, type LiveStore } from "../live/store";
import * as api from "./client";
import type { Alarm, AlarmAct } from "./types";

const now_s = () => Date.now() / 1000;

export function createQueryClient(): QueryClient {
  const signOut = (cause: unknown) => {
    if (cause instanceof api.ApiError && cause.status === 401) client.setQueryData(["me"], null);
  };
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({ onError: signOut }),
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        retry: (times, cause) =>
          times < 2 && !(cause instanceof api.ApiError && cause.status >= 400 && cause.status < 500),
      },
      mutations: { onError: signOut },
    },
  });
  return client;
}

/** Fetches again whatever the stream may have missed; who is signed in stays. */
export const refetchAll = (client: QueryClient) =>
  client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "me" });

export const useMe = () => useQuery({ queryKey: ["me"], queryFn: api.me, staleTime: 300_000 });

export const useZones = () =>
  useQuery({ queryKey: ["zones"], queryFn: api.zones, refetchInterval: 30_000 });

export function useChannels() {
  const store = useStore();
  return useQuery({
    queryKey: ["channels"],
    refetchInterval: 60_000,
    queryFn: async () => {
      const list = await api.channels();
      applyChannels(store, list, now_s());
      return list;
    },
  });
}

export function useDevices() {
  const store = useStore();
  return useQuery({
    queryKey: ["devices"],
    refetchInterval: 30_000,
    queryFn: async () => {
      const list = await api.devices();
      applyDevices(store, list);
      return list;
    },
  });
}

async function fetchAlarms(store: LiveStore): Promise<Alarm[]> {
  const before = store.get("alarms");
  const list = await api.alarms();
  applyAlarms(store, list, before);
  return list;
}

export function useAlarmsQuery() {
  const store = useStore();
  return useQuery({
    queryKey: ["alarms"],
    queryFn: () => fetchAlarms(store),
    refetchInterval: 30_000,
  });
}

export function useHealthQuery() {
  const store = useStore();
  return useQuery({
    queryKey: ["health"],
    refetchInterval: 15_000,
    queryFn: async () => {
      const health = await api.health();
      applyHealth(store, health);
      return health;
    },
  });
}

/** An alarm's story; `changed_at` in the key makes it fetch again when the alarm moves. */
export const useStory = (alarm: Alarm) =>
  useQuery({
    queryKey: ["story", alarm.id, alarm.changed_at],
    queryFn: () => api.transitions(alarm.id),
    placeholderData: (previous) => previous,
  });

export interface Deed {
  what: AlarmAct;
  note?: string;
  for_s?: number;
}

/** Acts on one alarm; a refusal's sentence is the mutation's `error.message`. */
export function useAct(id: string) {
  const store = useStore();
  return useMutation({
    mutationFn: ({ what, note, for_s }: Deed) => api.act(id, what, note, for_s),
    onSuccess: (alarm) => putAlarm(store, alarm),
  });
}
