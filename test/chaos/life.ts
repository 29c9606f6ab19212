/** The life of a process, which may end at a kill point. */
export interface Life {
  /** The name of the kill point, if there is one. */
  readonly endsAt: string | undefined;
  /** Only ever seen in memory, where what is discarded still runs. */
  readonly isOver: boolean;
  /** It has come to this point: the first time at its end it ends. Whether it is over. */
  reach(name: string): boolean;
}

export function createLife(endsAt: string | undefined, end: () => void): Life {
  let isOver = false;
  return {
    endsAt,
    get isOver() {
      return isOver;
    },
    reach(name) {
      if (!isOver && name === endsAt) {
        isOver = true;
        end();
      }
      return isOver;
    },
  };
}

/** What the dead hear. */
export const never = (): Promise<never> => new Promise(() => undefined);

/**
 * A port as a process sees it that may die: once its life is over, nothing that is asked is done, nor is anything answered that
 * was asked before. `instead` replaces some of its methods.
 */
export function mortal<Port extends object>(port: Port, life: Life, instead: Partial<Port> = {}): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(name in instead ? instead : target, name);
      if (typeof value !== 'function') return value;
      return (...given: readonly unknown[]): unknown => {
        if (life.isOver) return never();
        const answer: unknown = Reflect.apply(value, target, given);
        return answer instanceof Promise ? heard(answer, life) : answer;
      };
    },
  });
}

async function heard(answer: Promise<unknown>, life: Life): Promise<unknown> {
  try {
    return await answer;
  } finally {
    if (life.isOver) await never();
  }
}
