const http = require('http');
const config = require('./config');
const serve = require('./lib/serve');
serve(http.createServer(), config);
