/** One thing that is measured. */
export interface Section {
  title: string;
  /**
   * @param pipeline the pipeline that is measured
   * @param folder an empty folder, removed afterwards
   * @param tell says what is being run
   * @returns lines to print
   */
  run(pipeline: string, folder: string, tell: (what: string) => void): Promise<string[]>;
}
