exports.createServer = () => ({ listen: () => console.log('only a test double') });
