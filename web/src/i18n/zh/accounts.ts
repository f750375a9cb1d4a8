export default {
  title: 'accounts',
}
