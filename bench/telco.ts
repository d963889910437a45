/**
 * Customers for the benches: the rows of the telco file where it lies beside the checkout, else rows of its
 * shape, repeated with ids of their own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Input field of `open-account` → column. */
export const mapOfCustomers = {
  accountId: 'customerID',
  plan: 'InternetService',
  contract: 'Contract',
  paymentMethod: 'PaymentMethod',
  tenureMonths: 'tenure',
  monthlyCharges: 'MonthlyCharges',
  totalCharges: 'TotalCharges',
} as const;

const header =
  'customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,InternetService,OnlineSecurity,OnlineBackup,DeviceProtection,TechSupport,StreamingTV,StreamingMovies,Contract,PaperlessBilling,PaymentMethod,MonthlyCharges,TotalCharges,Churn';
const standIn =
  '7590-VHVEG,Female,0,Yes,No,1,No,No phone service,DSL,No,Yes,No,No,No,No,Month-to-month,Yes,Electronic check,29.85,29.85,No';

export const namesOfColumns = header.split(',');

const file = fileURLToPath(new URL('../../shared/data/telco-customers.csv', import.meta.url));

const samples = (): readonly string[][] => {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : `${header}\n${standIn}`;
  return text
    .split(/\r?\n/)
    .slice(1)
    .map((line) => line.split(','));
};

/** Cells of each row, in the order of the columns. */
export function* customers(count: number): Generator<readonly string[]> {
  const given = samples();
  for (let n = 0; n < count; n++) {
    const [id = '', ...cells] = given[n % given.length] ?? [];
    yield [`${id}-${Math.floor(n / given.length)}`, ...cells];
  }
}

const writeCharsMin = 2 ** 20;

const writeLines = async (to: string, lines: Iterable<string>): Promise<void> => {
  const handle = await open(to, 'w');
  let text = '';
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length < writeCharsMin) continue;
    await handle.write(text);
    text = '';
  }
  await handle.write(text);
  await handle.close();
};

function* csvLines(count: number): Generator<string> {
  yield header;
  for (const cells of customers(count)) yield cells.join(',');
}

export const writeCustomersCsv = (to: string, count: number): Promise<void> =>
  writeLines(to, csvLines(count));

function* ndjsonLines(count: number): Generator<string> {
  const taken = Object.entries(mapOfCustomers).map(([field, column]) => ({
    field,
    at: namesOfColumns.indexOf(column),
  }));
  for (const cells of customers(count)) {
    const row = taken.map(({ field, at }) => [
      field,
      field === 'tenureMonths' ? Number(cells[at]) : cells[at],
    ]);
    yield JSON.stringify(Object.fromEntries(row));
  }
}

export const writeCustomersNdjson = (to: string, count: number): Promise<void> =>
  writeLines(to, ndjsonLines(count));
