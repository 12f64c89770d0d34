/** The pipeline that is measured. */
export const PIPELINE = 'readmission';

/** One thing that is measured. */
export interface Section {
  title: string;
  /**
   * @param folder an empty folder, removed afterwards
   * @param tell says what is being run
   * @returns lines to print
   */
  run(folder: string, tell: (what: string) => void): Promise<string[]>;
}
