/** A window for what is to be shown there later. It must be opened while the click is handled, or the browser takes it for an
 * advertisement. Null where it was refused all the same. */
export function openWaitingWindow(title: string, hint: string): Window | null {
  const opened = window.open('about:blank', '_blank')
  if (opened === null) return null
  // What runs there has no business in this page.
  opened.opener = null
  const { document: page } = opened
  const isDark = document.documentElement.dataset.theme === 'dark'
  page.title = title
  page.documentElement.lang = document.documentElement.lang
  Object.assign(page.body.style, {
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    minHeight: '100vh',
    margin: '0',
    textAlign: 'center',
    fontFamily: 'system-ui, sans-serif',
    background: isDark ? '#141414' : '#ffffff',
    color: isDark ? '#e0e0e0' : '#262626',
  })
  const heading = page.createElement('h1')
  heading.textContent = title
  heading.style.fontSize = '20px'
  const bar = page.createElement('progress')
  const line = page.createElement('p')
  line.textContent = hint
  line.setAttribute('role', 'status')
  page.body.append(heading, bar, line)
  return opened
}
