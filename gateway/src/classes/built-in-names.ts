/** The names of the built-in classes, in the order of the catalogue. The configuration needs no more of them, and to load the detectors takes 15 ms. */
export const builtInNames: readonly string[] =
  'ae-emirates-id ar-cuit at-svnr au-medicare au-tfn be-nrn bg-egn bic birth-date br-cnpj br-cpf ca-sin card ch-ahv cl-rut cn-resident-id crypto-address cz-rodne-cislo de-rvnr de-steuer-id dk-cpr driving-licence ec-cedula ee-isikukood email es-dni fi-hetu fr-nir gr-amka hk-id hr-oib hu-taj iban icd10 ie-pps il-id in-aadhaar in-pan ip is-kennitala it-codice-fiscale jp-my-number jwt kr-rrn mac mx-curp my-nric nhs-number nl-bsn no-fodselsnummer nz-ird passport phone pk-cnic pl-pesel private-key pt-nif ro-cnp ru-snils se-personnummer secret-token sg-nric si-emso th-id tr-kimlik tw-id uk-nino url-credentials us-itin us-ssn uy-ci za-id'.split(
    ' ',
  );

/** Returns the names of all classes that there are, with those of the configuration. */
export function classNames(configured: ReadonlyMap<string, unknown>): readonly string[] {
  return [...new Set([...builtInNames, ...configured.keys()])];
}
