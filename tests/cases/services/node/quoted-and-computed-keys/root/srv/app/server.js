const http = require('http');

http.createServer().listen({ 'port': 3000, "backlog": 307 });
http.createServer().listen({ ['port']: 3001, ['backlog']: 308 });
