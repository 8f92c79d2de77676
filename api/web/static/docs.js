// The API's own description, shown by Swagger UI. A token given under "Authorize" is kept in this browser.
"use strict";

SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, persistAuthorization: true, validatorUrl: null });
