/** Words for the windows that are connected to the app. */

export const sessionWords = {
  sessions: 'Connected windows',
  sessionsNote:
    'Every window that this app is open in. If you do not know one, end it. It needs a new link to come back.',
  thisWindow: 'This window',
  sessionSince: (started: string) => `Connected since ${started}`,
  sessionClosed: (seen: string) => `Closed, last seen ${seen}`,
  endSessionOf: (agent: string, started: string) => `End ${agent}, connected since ${started}`,
  endOtherSessions: 'End all others',
  newLink: 'New link',
  newLinkNote: 'Opens one more window, once. Whoever has it can use the app as you do.',
} as const;
