export default {
  title: 'versions',
}
