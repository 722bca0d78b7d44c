const build = require('./lib');
const { createAdmin } = require('./lib/admin');

build().listen(3000, 200);
createAdmin().listen(3001, 201);
