/** The names of the classes with a detector, in the order of the catalogue. The configuration needs no more of them, and to load the detectors takes 15 ms. */
const detectedNames: readonly string[] =
  'ae-emirates-id ar-cuit at-svnr au-medicare au-tfn be-nrn bg-egn bic birth-date br-cnpj br-cpf ca-sin card ch-ahv cl-rut cn-resident-id crypto-address cz-rodne-cislo de-rvnr de-steuer-id dk-cpr driving-licence ec-cedula ee-isikukood email es-dni fi-hetu fr-nir gr-amka hk-id hr-oib hu-taj iban icd10 ie-pps il-id in-aadhaar in-pan ip is-kennitala it-codice-fiscale jp-my-number jwt kr-rrn mac mx-curp my-nric nhs-number nl-bsn no-fodselsnummer nz-ird passport phone pk-cnic pl-pesel private-key pt-nif ro-cnp ru-snils se-personnummer secret-token sg-nric si-emso th-id tr-kimlik tw-id uk-nino url-credentials us-itin us-ssn uy-ci za-id'.split(
    ' ',
  );

/** The classes whose values are known by what a protocol says of their place, and are in no other text. */
export const placedClasses: readonly { readonly name: string; readonly about: string }[] = [
  { name: 'kubernetes-secret', about: 'The data of a Secret of Kubernetes, in an answer or a request of a Kubernetes API.' },
];

/** The names of all classes that are there without any configuration. */
export const builtInNames: readonly string[] = [...detectedNames, ...placedClasses.map(({ name }) => name)];

/** Returns the names of all classes that there are, with those of the configuration. */
export function classNames(configured: ReadonlyMap<string, unknown>): readonly string[] {
  return [...new Set([...builtInNames, ...configured.keys()])];
}
