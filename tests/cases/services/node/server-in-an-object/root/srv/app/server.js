const http = require('http');

const servers = { api: http.createServer(), admin: http.createServer() };
servers.api.listen(3000, 200);
servers.admin.listen(3001, 201);
