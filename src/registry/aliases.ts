/** The alias that inference uses when nothing else is said. */
export const CHAMPION = 'champion';
/** The best version of the newest training, whether or not it became champion. */
export const CHALLENGER = 'challenger';
/** The newest version that passed its model tests: who may be promoted. */
export const STAGING = 'staging';
/** For whoever serves models elsewhere: moved by people only. */
export const PRODUCTION = 'production';

/** The aliases that people may move; `latest` is moved by registration alone. */
export const ALIASES = [CHAMPION, CHALLENGER, STAGING, PRODUCTION] as const;
