// Compares a description with the schema of its version of OpenAPI, which the package
// brings along: nothing is fetched.
import { Validator } from "@seriousme/openapi-schema-validator";

const file = process.argv[2];
if (file === undefined) {
  throw new Error("usage: validate.js FILE");
}
const validator = new Validator();
const result = await validator.validate(file);
if (!result.valid) {
  throw new Error(JSON.stringify(result.errors, null, 2));
}
console.log(`OpenAPI ${validator.version}`);
