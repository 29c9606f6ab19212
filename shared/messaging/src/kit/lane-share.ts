/** A member asks for lanes ever less often, up to once in so many looks, while nobody has any to give. */
const MOST_SILENCE = 32;

/**
 * How the members of a group come to share its lanes, knowing only how many they are: each that holds more than its share
 * gives them up. Where the lanes cannot be shared out evenly, some may be left with none: who has less than the even share,
 * rounded down, asks one other after another to go down to that. Lanes only ever go from who has too many, so this comes to
 * rest. Each look is one of a member, once in a while.
 */
export function createLaneShare(lanes: number) {
  let members = 1;
  let asked = false;
  let [looks, silence] = [0, 1];
  return {
    /** How many to keep, until the next look. */
    most: (): number => (asked ? Math.floor(lanes / members) : Math.ceil(lanes / members)),
    /** Another asks for a lane. */
    askedFor: () => void (asked = true),
    count(now: number): void {
      if (now !== members) silence = 1;
      members = Math.max(1, now);
    },
    /** Whether to ask another for a lane, holding so many. */
    asks(held: number): boolean {
      asked = false;
      const isEnough = held >= Math.floor(lanes / members);
      if (isEnough) [looks, silence] = [0, 1];
      if (isEnough || ++looks < silence) return false;
      [looks, silence] = [0, Math.min(silence * 2, MOST_SILENCE)];
      return true;
    },
  };
}
