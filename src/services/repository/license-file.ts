const NAMES = [
  "li[cs]en[cs]es?",
  "legal",
  "copy(?:left|right|ing)",
  "unlicense",
  "l?gpl(?:[-_ v]?)(?:\\d\\.?\\d)?",
  "bsd",
  "mit",
  "apache",
].join("|");

const LICENSE = new RegExp(`^(?:|.*[-_. ])(?:${NAMES})(?:|[-_. ].*)$`);
const README = /(?:readme|guidelines)(?:\.md|\.rst|\.html|\.txt)?$/;
const CANONICAL = /^(?:(?:un)?licen[sc]e|copying)(?:\.md|\.txt|\.html|\.rst)?$/i;

/** Whether a file's name says that it holds a license. */
export function isLicenseFile(name: string): boolean {
  const lower = name.toLowerCase();
  return LICENSE.test(lower) && !README.test(lower);
}

/** Whether a file has the usual name for the license of the whole project. */
export function isCanonicalLicenseFile(name: string): boolean {
  return CANONICAL.test(name);
}
