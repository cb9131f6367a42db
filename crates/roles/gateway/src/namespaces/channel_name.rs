//! What a channel's name says: `namespace:rest`, `rest#user1,user2` for some users alone, `$…` for bearers of a token alone.

/// A channel's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChannelName<'a> {
    /// Empty: the channel has none.
    pub(super) namespace: &'a str,
    /// Only a subscription token opens it.
    pub(super) private: bool,
    /// The users it is for, joined by commas; none: not limited so.
    users: Option<&'a str>,
}

impl<'a> ChannelName<'a> {
    pub(super) fn parse(channel: &'a str) -> Self {
        let (private, name) = match channel.strip_prefix('$') {
            Some(name) => (true, name),
            None => (false, channel),
        };
        let namespace = name.split_once(':').map_or("", |(namespace, _)| namespace);
        Self { namespace, private, users: name.split_once('#').map(|(_, users)| users) }
    }

    pub(super) fn is_user_limited(&self) -> bool {
        self.users.is_some()
    }

    /// Whether it is for this user. A visitor without a name is nobody's user.
    pub(super) fn is_for(&self, user: &str) -> bool {
        !user.is_empty() && self.users.is_some_and(|users| users.split(',').any(|one| one == user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_namespace_users_and_privacy() {
        let name = ChannelName::parse("$news:sport#7,42");
        assert_eq!((name.namespace, name.private), ("news", true));
        assert!(name.is_for("42") && name.is_for("7") && !name.is_for("4") && !name.is_for(""));
        let name = ChannelName::parse("lobby");
        assert_eq!((name.namespace, name.private, name.is_user_limited()), ("", false, false));
        assert!(!ChannelName::parse("#").is_for(""));
        assert_eq!(ChannelName::parse("a:b:c").namespace, "a");
        assert_eq!(ChannelName::parse(":x").namespace, "");
    }
}
