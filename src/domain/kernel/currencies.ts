/**
 * The currencies of ISO 4217 (active codes, and those that were replaced lately) and how many decimals
 * each has. A code that is not here is refused rather than taken for one with two decimals: a wrong
 * exponent is a wrong amount.
 * Left out: fund codes and precious metals (CLF, XAU …), which no invoice is written in.
 */
const codes: Readonly<Record<0 | 2 | 3, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF
    IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR
    MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER
    ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
};

const decimalsByCode: ReadonlyMap<string, number> = new Map(
  Object.entries(codes).flatMap(([decimals, list]) =>
    list.split(/\s+/).map((code): [string, number] => [code, Number(decimals)]),
  ),
);

export const isCurrency = (code: string): boolean => decimalsByCode.has(code);

/** How many decimals an amount in that currency has. @throws RangeError where there is no such currency. */
export const decimalsOf = (currency: string): number => {
  const decimals = decimalsByCode.get(currency);
  if (decimals === undefined) throw new RangeError(`"${currency}" is not a currency of ISO 4217`);
  return decimals;
};
