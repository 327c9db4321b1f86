// Every answer, whatever the request, is compared with what clients/openapi.yaml says of it.
const definitions = DEFINITIONS;
const operations = OPERATIONS;

const path = pm.request.url.getPath();
const operation = operations.find((each) => each.method === pm.request.method && new RegExp(each.path).test(path));

pm.test("The documents know the request", () => pm.expect(operation, `${pm.request.method} ${path}`).to.exist);
if (operation) {
    const contents = operation.answers[pm.response.code];
    pm.test("The documents know the status", () => pm.expect(contents, `status ${pm.response.code}`).to.exist);
    if (contents) {
        const type = (pm.response.headers.get("Content-Type") || "").split(";")[0];
        pm.test("The documents know the content type", () => pm.expect(Object.keys(contents)).to.include(type));
        if (type === "application/json" && contents[type]) {
            pm.test("The answer is as the documents say", () =>
                pm.response.to.have.jsonSchema({ ...contents[type], definitions }));
        }
    }
}
