// The API's own description, shown by Swagger UI. A token given under "Authorize" is kept in this browser.
"use strict";

// The box finds operations by path, name or group; Swagger UI's own looks at groups alone, and minds capitals.
const search = (groups, phrase) => {
  const wanted = phrase.toLowerCase();
  const says = (operation) => `${operation.get("path")} ${operation.getIn(["operation", "summary"], "")}`.toLowerCase();
  return groups
    .map((group, name) => name.includes(wanted) ? group
      : group.update("operations", (all) => all.filter((operation) => says(operation).includes(wanted))))
    .filter((group) => group.get("operations").size > 0);
};

SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: true, validatorUrl: null, filter: true,
  plugins: [() => ({ fn: { opsFilter: search } })],
});
