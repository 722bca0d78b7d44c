const app = require('./app');

app.listen(app.get('port'), app.get('backlog'), () => console.log('ready on', app.get('port')));
