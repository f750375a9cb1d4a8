// Healthy is a replica set that takes what is written. The first time it is founded here, as no other program does that.
const password = require('fs').readFileSync('/run/secrets/mongo_password', 'utf8').trim();
const admin = connect('mongodb://127.0.0.1:27017/admin?directConnection=true');
admin.auth('crawlhub', password);
try {
  admin.runCommand({ replSetGetStatus: 1 }).ok || found();
} catch {
  found();
}
function found() {
  const members = [{ _id: 0, host: process.env.MONGO_HOST || '127.0.0.1:27017' }];
  admin.runCommand({ replSetInitiate: { _id: 'rs0', members } });
}
if (!admin.hello().isWritablePrimary) quit(1);
