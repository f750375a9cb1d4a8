export default {
  title: 'spiders',
}
