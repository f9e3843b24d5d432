@0xbf5147a3c1d0e6a2;

struct Address {
  street @0 :Text;
  city @1 :Text;
  postcode @2 :Text;
  country @3 :Text;
}

struct Customer {
  id @0 :Int64;
  name @1 :Text;
  email @2 :Text;
  address @3 :Address;
}

struct Item {
  sku @0 :Text;
  title @1 :Text;
  quantity @2 :Int32;
  cents @3 :Int64;
}

struct Order {
  id @0 :Int64;
  placed @1 :Int64;
  paid @2 :Bool;
  note @3 :Text;
  customer @4 :Customer;
  items @5 :List(Item);
}

interface Jobs {
  add @0 (a :Int64, b :Int64) -> (sum :Int64);
  work @1 (kind :UInt32, amount :UInt32) -> (result :Int64);
  echo @2 (payload :Data) -> (payload :Data);
  record @3 (order :Order) -> (order :Order);
}
