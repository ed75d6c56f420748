use super::scene::play;
#[test]
fn draft() {
    let go = |s: &str, t: &str| println!("== {s}\n{}\n", play(s, t));
    go("store | cart after store", "0s?
      0s store=old +store?
      0.1s ok(store) store=unseen?
      1s store~mid?
      5s store~drain?
      6s store~new?
      6.1s store=new?
      7s store=new?
      8s store~new?
      8.1s store=new cart=old?
      8.2s store=new cart=old +cart?
      9s ok(cart) cart=new?
      11s cart=new?
      12s lost(publish)?
      12.5s ?
      13s?
      13.1s ok(publish)");
    go("store | cart after store | web after store,cart | mail | advance service | shared", "0s?
      0s +shared?
      1s ok(shared) ?
      1s +store +mail store=old mail=old
      2s ok(store) ok(mail) store=new mail=mid?
      4s store=new mail=drain cart=old +cart?
      5s ok(cart) cart=new mail=mid
      7s cart=new store=drain mail=mid web=old +web?
      7.2s  store=drain cart=new web=old +web?
      7.2s  store~new cart=new web=old +web?
      7.2s  store=new cart=new web=old +web?
      ");
    go("old delete | web after old", "0s old=old +old
       1s ok(old) old=ending
       2s old=gone web=old
       4s old=gone web=old
       5s ok(old) web=old
       6s +web web=old
       ");
}
