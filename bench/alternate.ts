/** Measures each way once in every round, in turn, so that what else the machine does meets all of them. Gives each way's results. */
export async function alternate<Way, Result>(ways: readonly Way[], rounds: number, measure: (way: Way) => Promise<Result>): Promise<Result[][]> {
  const results = ways.map((): Result[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, way] of ways.entries()) {
      results[i]?.push(await measure(way));
    }
  }
  return results;
}
