export default {
  title: 'proxies',
}
