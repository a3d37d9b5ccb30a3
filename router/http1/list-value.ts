// Comma-separated field values (RFC 9110 section 5.6.1), for the rare fields whose elements we look into.

/** The elements with surrounding blanks removed: SP and HTAB only, unlike trim(). Empty ones are kept. */
export function elementsOf(value: string): string[] {
  return value.split(',').map((element) => element.replace(/^[ \t]+|[ \t]+$/g, ''));
}
