/**
 * Ends a run plainly: one line for each suite that was left out and why, then `N passed, N failed`. With
 * QUARTERDECK_TEST_REQUIRE_ALL=1 a skipped test fails the run, unless its suite was left out for want of
 * data that cannot be installed. The last line also goes to the file QUARTERDECK_TEST_SUMMARY names, and the suites
 * that failed to the one that QUARTERDECK_TEST_FAILED names.
 */
import { writeFileSync } from 'node:fs';

const leftOut = / \[left out: (?<reason>.*)\]$/;

const skippedTests = (results) =>
  results.testResults.flatMap((file) => file.testResults).filter(({ status }) => status === 'pending');

/** The suite and the reason, from the titles above a skipped test. */
function explanation({ ancestorTitles }) {
  const title = ancestorTitles.find((ancestor) => leftOut.test(ancestor));
  return title?.replace(leftOut, ' ($<reason>)');
}

export default class PlainEnding {
  #error;

  onRunComplete(_contexts, results) {
    const skipped = skippedTests(results);
    const suites = new Set(skipped.map(explanation).filter((line) => line !== undefined));
    for (const suite of suites) console.log(`left out: ${suite}`);
    const unexplained = skipped.filter((test) => explanation(test) === undefined);
    if (process.env.QUARTERDECK_TEST_REQUIRE_ALL === '1' && unexplained.length > 0) {
      for (const { fullName } of unexplained) console.log(`skipped: ${fullName}`);
      this.#error = new Error('Tests were skipped.');
    }
    // A file that could not even be loaded counts as one failure.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const tail = skipped.length > 0 ? `, ${skipped.length} skipped` : '';
    const line = `${results.numPassedTests} passed, ${failed} failed${tail}`;
    console.log(line);
    if (process.env.QUARTERDECK_TEST_SUMMARY !== undefined) {
      writeFileSync(process.env.QUARTERDECK_TEST_SUMMARY, `${line}\n`);
    }
    if (process.env.QUARTERDECK_TEST_FAILED !== undefined) {
      const suites = results.testResults.filter(
        ({ numFailingTests, testExecError }) => numFailingTests > 0 || testExecError != null,
      );
      writeFileSync(
        process.env.QUARTERDECK_TEST_FAILED,
        suites.map(({ testFilePath }) => `${testFilePath}\n`).join(''),
      );
    }
  }

  getLastError() {
    return this.#error;
  }
}
