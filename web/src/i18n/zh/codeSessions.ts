export default {
  title: 'codeSessions',
}
