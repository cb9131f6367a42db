/** What a change of the room says in the log, `slow_mode_s=5 read_only=true`, in the reader's language. */
import { roughly } from '../format/time';
import type { Dictionary } from '../i18n/en';

export function settingWords(detail: string, words: Dictionary['moderation'], language: string): string {
  return detail
    .split(' ')
    .map((change) => {
      const [name = '', value = ''] = change.split('=');
      const mode = { members_only: words.membersOnly, emote_only: words.emoteOnly, read_only: words.readOnly }[name];
      if (mode) return value === 'true' ? mode : `${mode}: ${words.off}`;
      if (name === 'slow_mode_s') return `${words.slow}: ${value === '0' ? words.off : roughly(Number(value), language)}`;
      if (name === 'member_after_minutes') return `${words.memberAfter}: ${value === 'null' ? words.approvedOnly : roughly(Number(value) * 60, language)}`;
      return change;
    })
    .join(' · ');
}
