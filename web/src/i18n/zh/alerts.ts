export default {
  title: 'alerts',
}
