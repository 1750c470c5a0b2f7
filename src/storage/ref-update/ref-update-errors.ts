import { DomainError, type ErrorMetadata } from "../../base/error/domain-error.ts";
import { textFromBinary } from "../../git/ref/binary-string.ts";

/** Why references couldn't be changed. Names are binary strings, ids hexadecimal. */
export abstract class RefUpdateError extends DomainError {
  constructor(message: string, metadata: ErrorMetadata = {}) {
    super("unknown", message, { metadata });
  }
}

/** Somebody else holds the lock of a reference. */
export class RefLockedError extends RefUpdateError {
  /** Empty where the storage (reftable) locks all references together. */
  readonly refName: string;

  constructor(refName: string) {
    super("reference is already locked", { reference: textFromBinary(refName) });
    this.refName = refName;
  }
}

/** Somebody else holds the lock of the file of packed references. */
export class PackedRefsLockedError extends RefUpdateError {
  constructor() {
    super("packed-refs locked");
  }
}

/** Git doesn't accept the name. */
export class InvalidRefNameError extends RefUpdateError {
  readonly refName: string;

  constructor(refName: string) {
    super("invalid reference format", { reference: textFromBinary(refName) });
    this.refName = refName;
  }
}

/** A reference can't be made because another one stands where it needs a directory, or within it. */
export class RefNameConflictError extends RefUpdateError {
  readonly existingName: string;
  readonly conflictingName: string;

  constructor(existingName: string, conflictingName: string) {
    super("file directory conflict", {
      conflicting_reference: textFromBinary(conflictingName),
      existing_reference: textFromBinary(existingName),
    });
    this.existingName = existingName;
    this.conflictingName = conflictingName;
  }
}

/** As `RefNameConflictError`, between two references of the same transaction. */
export class ConflictingUpdatesError extends RefUpdateError {
  readonly firstName: string;
  readonly secondName: string;

  constructor(firstName: string, secondName: string) {
    super("conflicting reference updates in the same transaction", {
      first_reference: textFromBinary(firstName),
      second_reference: textFromBinary(secondName),
    });
    this.firstName = firstName;
    this.secondName = secondName;
  }
}

/** A reference was to hold an object that isn't there. */
export class ObjectNotFoundError extends RefUpdateError {
  readonly refName: string;
  readonly oid: string;

  constructor(refName: string, oid: string) {
    super("target object missing", { reference: textFromBinary(refName), missing_object: oid });
    this.refName = refName;
    this.oid = oid;
  }
}

/** A branch was to hold an object that isn't a commit. */
export class NotCommitError extends RefUpdateError {
  readonly refName: string;
  readonly oid: string;

  constructor(refName: string, oid: string) {
    super("target object not a commit", {
      reference: textFromBinary(refName),
      non_commit_object: oid,
    });
    this.refName = refName;
    this.oid = oid;
  }
}

/** A reference doesn't hold the object that the caller expected. */
export class RefMismatchError extends RefUpdateError {
  readonly refName: string;
  readonly expectedOid: string;
  readonly actualOid: string;

  constructor(refName: string, expectedOid: string, actualOid: string) {
    super("reference does not point to expected object", {
      reference: textFromBinary(refName),
      expected_object_id: expectedOid,
      actual_object_id: actualOid,
    });
    this.refName = refName;
    this.expectedOid = expectedOid;
    this.actualOid = actualOid;
  }
}

/** A reference that must not exist does. */
export class RefExistsError extends RefUpdateError {
  readonly refName: string;

  constructor(refName: string) {
    super("reference already exists", { reference: textFromBinary(refName) });
    this.refName = refName;
  }
}

/** A transaction changes a reference more than once. */
export class RepeatedUpdateError extends RefUpdateError {
  readonly refName: string;

  constructor(refName: string) {
    super("reference has been updated multiple times within a transaction", {
      reference: textFromBinary(refName),
    });
    this.refName = refName;
  }
}
