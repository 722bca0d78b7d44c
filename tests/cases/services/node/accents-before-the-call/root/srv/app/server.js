// Прослушивание — «очередь» 😀
const http = require('http'); const naïve = '😀'; http.createServer().listen(3000, 200);
