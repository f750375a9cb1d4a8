export default {
  title: 'dashboard',
}
