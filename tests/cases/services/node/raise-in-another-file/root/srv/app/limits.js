exports.BACKLOG = 9;
