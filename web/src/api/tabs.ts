/** What a tab tells the other ones of its browser. */
type News =
  /** Of these addresses something else would be read now. */
  | { changed: string[] }
  /** Somebody has signed in, or out. */
  | { session: 'begun' | 'over' }

const channel = new BroadcastChannel('crawlhub')

export const tellTabs = (news: News) => channel.postMessage(news)

export function hearTabs(listener: (news: News) => void) {
  const hear = ({ data }: MessageEvent<News>) => listener(data)
  channel.addEventListener('message', hear)
  return () => channel.removeEventListener('message', hear)
}
