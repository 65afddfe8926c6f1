/** Injection tokens of what the intake is given by whoever starts it. */
export const BROKER = Symbol('Broker');
export const FILE_STORE = Symbol('FileStore');
export const SECRETS = Symbol('Secrets');
export const INTAKE_OPTIONS = Symbol('IntakeOptions');
