//! Which topics a message speaks of.
//!
//! Newer versions name topics by ids that only a broker's metadata explains, and a consumer that fetches again and
//! again names its topics once, when the fetch session begins (KIP-227). So what a flow has told is remembered:
//! names by id, topics by session.

use std::collections::{BTreeMap, HashMap};

use super::message::{self, Topic};
use super::value::{Fields, Value, field, uuid_text};

/// Most topics told of one message.
const TOPICS_MAX: usize = 4096;
/// Most partitions told of one message, over all its topics.
const PARTITIONS_MAX: usize = 16_384;
/// Most names remembered in one flow; the least id makes room.
const NAMES_MAX: usize = 4096;
/// Longest name that a broker accepts (`Topic.MAX_NAME_LENGTH`); a longer one is not remembered.
const NAME_BYTES_MAX: usize = 249;
/// Most fetch sessions remembered in one flow. A client has one with each broker.
const SESSIONS_MAX: usize = 4;
/// Most bytes that one session's topics may take.
const SESSION_BYTES_MAX: usize = 256 * 1024;

/// The id of no topic.
const NO_ID: [u8; 16] = [0; 16];

/// What one flow has told of topics.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Known {
    names: BTreeMap<[u8; 16], String>,
    sessions: BTreeMap<i32, Vec<Topic>>,
}

impl Known {
    /// Remembers the names that a response tells beside ids.
    pub(super) fn learn(&mut self, fields: &Fields<'_>) {
        for (_, value) in fields {
            match value {
                Value::Structure(fields) => self.learn_from(fields),
                Value::List(elements) => {
                    for element in elements {
                        if let Value::Structure(fields) = element {
                            self.learn_from(fields);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn learn_from(&mut self, fields: &Fields<'_>) {
        let id = fields.iter().find_map(|(_, value)| match value {
            Value::TopicId(id) if *id != NO_ID => Some(*id),
            _ => None,
        });
        if let (Some(id), Some(name)) = (id, own_name(fields))
            && name.len() <= NAME_BYTES_MAX
        {
            self.names.insert(id, String::from_utf8_lossy(name).into_owned());
            if self.names.len() > NAMES_MAX {
                self.names.pop_first();
            }
        }
        self.learn(fields);
    }

    fn name(&self, id: &[u8; 16]) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| uuid_text(id))
    }

    /// The topics that a body names, each once, in order.
    pub(super) fn topics(&self, fields: &Fields<'_>) -> Vec<Topic> {
        let mut collected =
            Collected { known: self, topics: Vec::new(), places: HashMap::new(), partitions: 0 };
        collected.structure(fields, None);
        collected.topics
    }

    /// The topics of a `Fetch`: those of its session, once it goes on with one.
    pub(super) fn fetched(&mut self, fields: &Fields<'_>) -> Vec<Topic> {
        let is_of_others = |name: &str| name == "forgottenTopicsData";
        let (gone, named): (Fields<'_>, Fields<'_>) =
            fields.iter().cloned().partition(|(name, _)| is_of_others(name));
        let named = self.topics(&named);
        let number = |name| field(fields, name).and_then(Value::number).and_then(|n| i32::try_from(n).ok());
        let session = match (number("sessionId"), number("sessionEpoch")) {
            (Some(session), Some(epoch)) if epoch > 0 => session,
            _ => return named,
        };
        let gone = self.topics(&gone);
        let Some(topics) = self.sessions.get_mut(&session) else { return named };
        add(topics, &named);
        remove(topics, &gone);
        let topics = topics.clone();
        if message::topics_memory_bytes(&topics) > SESSION_BYTES_MAX {
            self.sessions.remove(&session);
        }
        topics
    }

    /// A broker answered a `Fetch` of these topics with the number of a session.
    pub(super) fn session(&mut self, session: i32, topics: &[Topic]) {
        if session == 0
            || self.sessions.contains_key(&session)
            || message::topics_memory_bytes(topics) > SESSION_BYTES_MAX
        {
            return;
        }
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.pop_first();
        }
        self.sessions.insert(session, topics.to_vec());
    }

    /// Requests were lost: what sessions go on with is not known any more.
    pub(super) fn forget_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        let names: usize = self.names.values().map(|name| 16 + size_of::<String>() + name.capacity()).sum();
        let sessions: usize = self.sessions.values().map(|topics| message::topics_memory_bytes(topics)).sum();
        names + sessions
    }
}

fn add(topics: &mut Vec<Topic>, more: &[Topic]) {
    for topic in more {
        let Some(known) = topics.iter_mut().find(|known| known.name == topic.name) else {
            topics.push(topic.clone());
            continue;
        };
        known.partitions.extend(&topic.partitions);
        known.partitions.sort_unstable();
        known.partitions.dedup();
    }
}

fn remove(topics: &mut Vec<Topic>, gone: &[Topic]) {
    for topic in gone {
        if let Some(known) = topics.iter_mut().find(|known| known.name == topic.name) {
            known.partitions.retain(|partition| !topic.partitions.contains(partition));
        }
    }
    topics.retain(|topic| !topic.partitions.is_empty());
}

/// The name that a structure itself has, as opposed to what lies below it.
fn own_name<'a>(fields: &Fields<'a>) -> Option<&'a [u8]> {
    fields.iter().find_map(|(_, value)| match value {
        Value::Topic(name) => Some(*name),
        _ => None,
    })
}

/// Topics found so far.
struct Collected<'k> {
    known: &'k Known,
    topics: Vec<Topic>,
    /// Where in `topics` a name is.
    places: HashMap<String, usize>,
    partitions: usize,
}

impl Collected<'_> {
    /// A partition belongs to the nearest topic above or beside it.
    fn structure(&mut self, fields: &Fields<'_>, above: Option<usize>) {
        let id = fields.iter().find_map(|(_, value)| match value {
            Value::TopicId(id) if *id != NO_ID => Some(*id),
            _ => None,
        });
        let own = own_name(fields).map(|name| String::from_utf8_lossy(name).into_owned());
        let name = own.or_else(|| Some(self.known.name(&id?)));
        let topic = name.map_or(above, |name| self.place(name, id));
        for (_, value) in fields {
            self.value(value, topic);
        }
    }

    fn value(&mut self, value: &Value<'_>, topic: Option<usize>) {
        match value {
            Value::Partition(partition) => self.partition(*partition, topic),
            Value::Structure(fields) => self.structure(fields, topic),
            Value::List(elements) => {
                for element in elements {
                    match element {
                        Value::Topic(name) => {
                            self.place(String::from_utf8_lossy(name).into_owned(), None);
                        }
                        element => self.value(element, topic),
                    }
                }
            }
            _ => {}
        }
    }

    fn partition(&mut self, partition: i32, topic: Option<usize>) {
        if self.partitions == PARTITIONS_MAX {
            return;
        }
        if let Some(topic) = topic.and_then(|place| self.topics.get_mut(place)) {
            topic.partitions.push(partition);
            self.partitions += 1;
        }
    }

    fn place(&mut self, name: String, id: Option<[u8; 16]>) -> Option<usize> {
        if let Some(place) = self.places.get(&name) {
            return Some(*place);
        }
        if self.topics.len() == TOPICS_MAX {
            return None;
        }
        let place = self.topics.len();
        self.places.insert(name.clone(), place);
        self.topics.push(Topic { name, id, partitions: Vec::new() });
        Some(place)
    }
}
