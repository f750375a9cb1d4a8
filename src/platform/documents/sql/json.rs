//! A JSON column that keeps the text as it was sent.

use serde_json::value::RawValue;
use sqlx::{
    Decode, Encode, Postgres, Sqlite, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef, types::Oid},
    sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef},
};

/// `json` in `PostgreSQL`. sqlx's own `Json` says `jsonb`, and the server would cast: other order of keys, other
/// digits, no `\u0000`.
const JSON: Oid = Oid(114);

/// A parameter for a JSON column.
#[derive(Debug, Clone, Copy)]
pub(super) struct JsonText<'a>(pub &'a RawValue);

impl Type<Sqlite> for JsonText<'_> {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for JsonText<'_> {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        Encode::<Sqlite>::encode(self.0.get().to_owned(), buffer)
    }
}

impl Type<Postgres> for JsonText<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON)
    }
}

impl Encode<'_, Postgres> for JsonText<'_> {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        buffer.extend(self.0.get().as_bytes());
        Ok(IsNull::No)
    }
}

/// What comes out of a JSON column.
#[derive(Debug)]
pub struct StoredJson(Box<RawValue>);

impl From<StoredJson> for Box<RawValue> {
    fn from(stored: StoredJson) -> Self {
        stored.0
    }
}

impl Type<Sqlite> for StoredJson {
    fn type_info() -> SqliteTypeInfo {
        <str as Type<Sqlite>>::type_info()
    }

    fn compatible(info: &SqliteTypeInfo) -> bool {
        <str as Type<Sqlite>>::compatible(info)
    }
}

impl<'r> Decode<'r, Sqlite> for StoredJson {
    fn decode(value: SqliteValueRef<'r>) -> Result<Self, BoxDynError> {
        let text = <String as Decode<'r, Sqlite>>::decode(value)?;
        Ok(Self(RawValue::from_string(text)?))
    }
}

impl Type<Postgres> for StoredJson {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(JSON)
    }

    fn compatible(info: &PgTypeInfo) -> bool {
        info.oid() == Some(JSON)
    }
}

impl<'r> Decode<'r, Postgres> for StoredJson {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        Ok(Self(RawValue::from_string(value.as_str()?.to_owned())?))
    }
}
