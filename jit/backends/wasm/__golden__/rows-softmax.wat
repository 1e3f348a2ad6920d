(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $from  $floordiv  $s0  $a  $b  $r  $q  $to  $a.12  $b.13  $r.14  $q.15  $a.16  $b.17  $r.18
      $sixteens  $mul  $s1  $fours  $mul.28  $c  $add  $arg0  $add.32  $c.37  $add.38  $add.39  $c.42  $add.44  $add.45
      $sixteens.66  $fours.67  $c.68  $add.71  $add.72  $add.92  $arg1  $c.118  $add.120  $add.121  $add.131  $c.132
      $add.134  $add.135  $add.152  $vectors  $c.156  $add.158  $mul.159  $mul.160  $add.161  $c.163  $add.164  $mul.165
      $mul.166  $add.167
  (local f32) $m_tail  $t0v  $a.46  $b.47  $m.52  $a.53  $b.54  $a.55  $b.56  $a.57  $b.58  $a.59  $b.60  $s_tail
      $mul.133  $t0v.136  $sub  $select  $select.139  $c.140  $muladd  $sub.142  $c.143  $c.144  $muladd.145  $c.146
      $c.147  $c.148  $c.149  $c.150  $c.151  $s.154  $div
  (local v128) $m_0  $m_1  $m_2  $m_3  $x  $x.34  $x.35  $x.36  $t0v_v  $x.41  $m  $x.49  $x.50  $x.51  $s_0  $s_1  $s_2
      $s_3  $value  $const_v  $t0v_v.73  $ref_v  $sub_v  $const_v.76  $select_v  $const_v.78  $select_v.79  $const_v.80
      $const_v.81  $muladd_v  $sub_v.83  $const_v.84  $const_v.85  $muladd_v.86  $const_v.87  $const_v.88  $const_v.89
      $const_v.90  $const_v.91  $value.94  $t0v_v.95  $sub_v.96  $select_v.97  $select_v.98  $muladd_v.99  $sub_v.100
      $muladd_v.101  $value.102  $t0v_v.103  $sub_v.104  $select_v.105  $select_v.106  $muladd_v.107  $sub_v.108
      $muladd_v.109  $value.110  $t0v_v.111  $sub_v.112  $select_v.113  $select_v.114  $muladd_v.115  $sub_v.116
      $muladd_v.117  $value.119  $t0v_v.122  $ref_v.123  $sub_v.124  $select_v.125  $select_v.126  $muladd_v.127
      $sub_v.128  $muladd_v.129  $mul_v  $s  $value.157  $ref_v.162
  local.get $params  i32.load offset=8  local.set $s0
  local.get $params  i32.load offset=12  local.set $s1
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $s0  i32.const 2  i32.add  i32.const 3  i32.div_u  local.set $floordiv
    local.get $s1  i32.const 4  i32.shr_s  i32.const 4  i32.shl  local.set $mul
    local.get $s1  i32.const 2  i32.shr_s  i32.const 2  i32.shl  local.set $mul.28
    v128.const i32x4 0x3b3511e6 0x3b3511e6 0x3b3511e6 0x3b3511e6  local.set $const_v
    v128.const i32x4 0xc2af3333 0xc2af3333 0xc2af3333 0xc2af3333  local.set $const_v.76
    v128.const i32x4 0x42b20000 0x42b20000 0x42b20000 0x42b20000  local.set $const_v.78
    v128.const i32x4 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b 0x3fb8aa3b  local.set $const_v.80
    v128.const i32x4 0x4b40007e 0x4b40007e 0x4b40007e 0x4b40007e  local.set $const_v.81
    v128.const i32x4 0x395e8083 0x395e8083 0x395e8083 0x395e8083  local.set $const_v.84
    v128.const i32x4 0xbf318000 0xbf318000 0xbf318000 0xbf318000  local.set $const_v.85
    v128.const i32x4 0x3c891d10 0x3c891d10 0x3c891d10 0x3c891d10  local.set $const_v.87
    v128.const i32x4 0x3daaac79 0x3daaac79 0x3daaac79 0x3daaac79  local.set $const_v.88
    v128.const i32x4 0x3eaaaa49 0x3eaaaa49 0x3eaaaa49 0x3eaaaa49  local.set $const_v.89
    v128.const i32x4 0x3f7ffffe 0x3f7ffffe 0x3f7ffffe 0x3f7ffffe  local.set $const_v.90
    v128.const i32x4 0x40000000 0x40000000 0x40000000 0x40000000  local.set $const_v.91
    local.get $begin  local.set $unit
    loop $loop2
      local.get $unit  local.get $floordiv  local.set $b  local.set $a
      local.get $b  i32.eqz  if $if3 (result i32)
        i32.const 0
      else
        local.get $b  i32.const -1  i32.eq  if $if4 (result i32)
          i32.const 0
        else
          local.get $a  local.get $b  i32.rem_s  local.set $q
          local.get $q  local.set $r
          local.get $q  local.get $b  i32.add  local.get $q  local.get $r  i32.const 0  i32.ne  local.get $r
              local.get $b  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.const 3  i32.mul  local.set $from
      local.get $s0  local.get $unit  local.get $floordiv  local.set $b.13  local.set $a.12  local.get $b.13  i32.eqz
          if $if5 (result i32)
        i32.const 0
      else
        local.get $b.13  i32.const -1  i32.eq  if $if6 (result i32)
          i32.const 0
        else
          local.get $a.12  local.get $b.13  i32.rem_s  local.set $q.15
          local.get $q.15  local.set $r.14
          local.get $q.15  local.get $b.13  i32.add  local.get $q.15  local.get $r.14  i32.const 0  i32.ne
              local.get $r.14  local.get $b.13  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.const 3  i32.mul  i32.const 3  i32.add  local.set $b.17  local.tee $a.16  local.get $b.17
          local.get $a.16  local.get $b.17  i32.lt_s  select  local.set $to
      local.get $from  local.get $to  i32.lt_s  if $if7
        local.get $from  local.set $r.18
        loop $loop8
          f32.const -Infinity  local.set $m_tail
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_0
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_1
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_2
          v128.const i32x4 0xff800000 0xff800000 0xff800000 0xff800000  local.set $m_3
          local.get $mul  local.set $sixteens
          local.get $mul.28  local.set $fours
          i32.const 0  local.get $sixteens  i32.lt_s  if $if9
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add
            i32.const 0  local.set $c
            loop $loop10
              local.get $m_0  local.get $add  local.get $c  i32.const 2  i32.shl  i32.add  local.tee $add.32
                  v128.load align=4  local.tee $x  f32x4.pmax  local.get $x  local.get $x  f32x4.ne  v128.or
                  local.set $m_0
              local.get $m_1  local.get $add.32  v128.load offset=16 align=4  local.tee $x.34  f32x4.pmax
                  local.get $x.34  local.get $x.34  f32x4.ne  v128.or  local.set $m_1
              local.get $m_2  local.get $add.32  v128.load offset=32 align=4  local.tee $x.35  f32x4.pmax
                  local.get $x.35  local.get $x.35  f32x4.ne  v128.or  local.set $m_2
              local.get $m_3  local.get $add.32  v128.load offset=48 align=4  local.tee $x.36  f32x4.pmax
                  local.get $x.36  local.get $x.36  f32x4.ne  v128.or  local.set $m_3
              local.get $c  i32.const 16  i32.add  local.tee $c  local.get $sixteens  i32.lt_s  br_if $loop10
            end
          end
          local.get $sixteens  local.get $fours  i32.lt_s  if $if11
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.38
            local.get $sixteens  local.set $c.37
            loop $loop12
              local.get $m_0  local.get $add.38  local.get $c.37  i32.const 2  i32.shl  i32.add  local.tee $add.39
                  v128.load align=4  local.tee $t0v_v  local.tee $x.41  f32x4.pmax  local.get $x.41  local.get $x.41
                  f32x4.ne  v128.or  local.set $m_0
              local.get $c.37  i32.const 4  i32.add  local.tee $c.37  local.get $fours  i32.lt_s  br_if $loop12
            end
          end
          local.get $fours  local.get $s1  i32.lt_s  if $if13
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.44
            local.get $fours  local.set $c.42
            loop $loop14
              local.get $add.44  local.get $c.42  i32.const 2  i32.shl  i32.add  local.tee $add.45  f32.load
                  local.set $t0v
              local.get $m_tail  local.get $t0v  local.set $b.47  local.set $a.46
              i32.const -1  f32.reinterpret_i32  local.get $b.47  local.get $a.46  local.get $a.46  local.get $b.47
                  f32.lt  select  local.get $b.47  local.get $b.47  f32.ne  select  local.set $m_tail
              local.get $c.42  i32.const 1  i32.add  local.tee $c.42  local.get $s1  i32.lt_s  br_if $loop14
            end
          end
          local.get $m_0  local.get $m_1  local.tee $x.49  f32x4.pmax  local.get $x.49  local.get $x.49  f32x4.ne
              v128.or  local.get $m_2  local.get $m_3  local.tee $x.50  f32x4.pmax  local.get $x.50  local.get $x.50
              f32x4.ne  v128.or  local.tee $x.51  f32x4.pmax  local.get $x.51  local.get $x.51  f32x4.ne  v128.or
              local.set $m
          local.get $m  f32x4.extract_lane 0  local.get $m  f32x4.extract_lane 1  local.set $b.54  local.set $a.53
          i32.const -1  f32.reinterpret_i32  local.get $b.54  local.get $a.53  local.get $a.53  local.get $b.54  f32.lt
              select  local.get $b.54  local.get $b.54  f32.ne  select  local.get $m  f32x4.extract_lane 2  local.get $m
              f32x4.extract_lane 3  local.set $b.56  local.set $a.55  i32.const -1  f32.reinterpret_i32  local.get $b.56
              local.get $a.55  local.get $a.55  local.get $b.56  f32.lt  select  local.get $b.56  local.get $b.56
              f32.ne  select  local.set $b.58  local.set $a.57
          i32.const -1  f32.reinterpret_i32  local.get $b.58  local.get $a.57  local.get $a.57  local.get $b.58  f32.lt
              select  local.get $b.58  local.get $b.58  f32.ne  select  local.get $m_tail  local.set $b.60
              local.set $a.59
          i32.const -1  f32.reinterpret_i32  local.get $b.60  local.get $a.59  local.get $a.59  local.get $b.60  f32.lt
              select  local.get $b.60  local.get $b.60  f32.ne  select  local.set $m.52
          f32.const 0  local.set $s_tail
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_0
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_1
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_2
          v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $s_3
          local.get $mul  local.set $sixteens.66
          local.get $mul.28  local.set $fours.67
          i32.const 0  local.get $sixteens.66  i32.lt_s  if $if15
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.71
            local.get $m.52  f32x4.splat  local.set $ref_v
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.92
            i32.const 0  local.set $c.68
            loop $loop16
              local.get $const_v  local.get $add.71  local.get $c.68  i32.const 2  i32.shl  i32.add  local.tee $add.72
                  v128.load align=4  local.tee $t0v_v.73  local.get $ref_v  f32x4.sub  local.tee $sub_v
                  local.get $const_v.76  f32x4.pmax  local.tee $select_v  local.get $const_v.78  f32x4.pmin
                  local.tee $select_v.79  local.get $const_v.80  f32x4.mul  local.get $const_v.81  f32x4.add
                  local.tee $muladd_v  local.get $const_v.81  f32x4.sub  local.tee $sub_v.83  local.get $const_v.84
                  f32x4.mul  local.get $sub_v.83  local.get $const_v.85  f32x4.mul  local.get $select_v.79  f32x4.add
                  f32x4.add  local.tee $muladd_v.86  f32x4.mul  local.get $const_v.87  f32x4.add  local.get $muladd_v.86
                  f32x4.mul  local.get $const_v.88  f32x4.add  local.get $muladd_v.86  f32x4.mul  local.get $const_v.89
                  f32x4.add  local.get $muladd_v.86  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.86
                  f32x4.mul  local.get $const_v.91  f32x4.add  local.get $muladd_v.86  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v  i32.const 23  i32x4.shl  f32x4.mul  local.set $value
              local.get $add.92  local.get $c.68  i32.const 2  i32.shl  i32.add  local.get $value  v128.store align=4
              local.get $s_0  local.get $value  f32x4.add  local.set $s_0
              local.get $const_v  local.get $add.72  v128.load offset=16 align=4  local.tee $t0v_v.95  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.96  local.get $const_v.76  f32x4.pmax  local.tee $select_v.97
                  local.get $const_v.78  f32x4.pmin  local.tee $select_v.98  local.get $const_v.80  f32x4.mul
                  local.get $const_v.81  f32x4.add  local.tee $muladd_v.99  local.get $const_v.81  f32x4.sub
                  local.tee $sub_v.100  local.get $const_v.84  f32x4.mul  local.get $sub_v.100  local.get $const_v.85
                  f32x4.mul  local.get $select_v.98  f32x4.add  f32x4.add  local.tee $muladd_v.101  f32x4.mul
                  local.get $const_v.87  f32x4.add  local.get $muladd_v.101  f32x4.mul  local.get $const_v.88  f32x4.add
                  local.get $muladd_v.101  f32x4.mul  local.get $const_v.89  f32x4.add  local.get $muladd_v.101
                  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.101  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v.101  f32x4.mul  local.get $const_v.91  f32x4.add
                  local.get $muladd_v.99  i32.const 23  i32x4.shl  f32x4.mul  local.set $value.94
              local.get $add.92  local.get $c.68  i32.const 2  i32.shl  i32.add  local.get $value.94
                  v128.store offset=16 align=4
              local.get $s_1  local.get $value.94  f32x4.add  local.set $s_1
              local.get $const_v  local.get $add.72  v128.load offset=32 align=4  local.tee $t0v_v.103  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.104  local.get $const_v.76  f32x4.pmax  local.tee $select_v.105
                  local.get $const_v.78  f32x4.pmin  local.tee $select_v.106  local.get $const_v.80  f32x4.mul
                  local.get $const_v.81  f32x4.add  local.tee $muladd_v.107  local.get $const_v.81  f32x4.sub
                  local.tee $sub_v.108  local.get $const_v.84  f32x4.mul  local.get $sub_v.108  local.get $const_v.85
                  f32x4.mul  local.get $select_v.106  f32x4.add  f32x4.add  local.tee $muladd_v.109  f32x4.mul
                  local.get $const_v.87  f32x4.add  local.get $muladd_v.109  f32x4.mul  local.get $const_v.88  f32x4.add
                  local.get $muladd_v.109  f32x4.mul  local.get $const_v.89  f32x4.add  local.get $muladd_v.109
                  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.109  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v.109  f32x4.mul  local.get $const_v.91  f32x4.add
                  local.get $muladd_v.107  i32.const 23  i32x4.shl  f32x4.mul  local.set $value.102
              local.get $add.92  local.get $c.68  i32.const 2  i32.shl  i32.add  local.get $value.102
                  v128.store offset=32 align=4
              local.get $s_2  local.get $value.102  f32x4.add  local.set $s_2
              local.get $const_v  local.get $add.72  v128.load offset=48 align=4  local.tee $t0v_v.111  local.get $ref_v
                  f32x4.sub  local.tee $sub_v.112  local.get $const_v.76  f32x4.pmax  local.tee $select_v.113
                  local.get $const_v.78  f32x4.pmin  local.tee $select_v.114  local.get $const_v.80  f32x4.mul
                  local.get $const_v.81  f32x4.add  local.tee $muladd_v.115  local.get $const_v.81  f32x4.sub
                  local.tee $sub_v.116  local.get $const_v.84  f32x4.mul  local.get $sub_v.116  local.get $const_v.85
                  f32x4.mul  local.get $select_v.114  f32x4.add  f32x4.add  local.tee $muladd_v.117  f32x4.mul
                  local.get $const_v.87  f32x4.add  local.get $muladd_v.117  f32x4.mul  local.get $const_v.88  f32x4.add
                  local.get $muladd_v.117  f32x4.mul  local.get $const_v.89  f32x4.add  local.get $muladd_v.117
                  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.117  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v.117  f32x4.mul  local.get $const_v.91  f32x4.add
                  local.get $muladd_v.115  i32.const 23  i32x4.shl  f32x4.mul  local.set $value.110
              local.get $add.92  local.get $c.68  i32.const 2  i32.shl  i32.add  local.get $value.110
                  v128.store offset=48 align=4
              local.get $s_3  local.get $value.110  f32x4.add  local.set $s_3
              local.get $c.68  i32.const 16  i32.add  local.tee $c.68  local.get $sixteens.66  i32.lt_s  br_if $loop16
            end
          end
          local.get $sixteens.66  local.get $fours.67  i32.lt_s  if $if17
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.120
            local.get $m.52  f32x4.splat  local.set $ref_v.123
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.131
            local.get $sixteens.66  local.set $c.118
            loop $loop18
              local.get $const_v  local.get $add.120  local.get $c.118  i32.const 2  i32.shl  i32.add
                  local.tee $add.121  v128.load align=4  local.tee $t0v_v.122  local.get $ref_v.123  f32x4.sub
                  local.tee $sub_v.124  local.get $const_v.76  f32x4.pmax  local.tee $select_v.125
                  local.get $const_v.78  f32x4.pmin  local.tee $select_v.126  local.get $const_v.80  f32x4.mul
                  local.get $const_v.81  f32x4.add  local.tee $muladd_v.127  local.get $const_v.81  f32x4.sub
                  local.tee $sub_v.128  local.get $const_v.84  f32x4.mul  local.get $sub_v.128  local.get $const_v.85
                  f32x4.mul  local.get $select_v.126  f32x4.add  f32x4.add  local.tee $muladd_v.129  f32x4.mul
                  local.get $const_v.87  f32x4.add  local.get $muladd_v.129  f32x4.mul  local.get $const_v.88  f32x4.add
                  local.get $muladd_v.129  f32x4.mul  local.get $const_v.89  f32x4.add  local.get $muladd_v.129
                  f32x4.mul  local.get $const_v.90  f32x4.add  local.get $muladd_v.129  f32x4.mul  local.get $const_v.91
                  f32x4.add  local.get $muladd_v.129  f32x4.mul  local.get $const_v.91  f32x4.add
                  local.get $muladd_v.127  i32.const 23  i32x4.shl  f32x4.mul  local.tee $mul_v  local.set $value.119
              local.get $add.131  local.get $c.118  i32.const 2  i32.shl  i32.add  local.get $value.119
                  v128.store align=4
              local.get $s_0  local.get $value.119  f32x4.add  local.set $s_0
              local.get $c.118  i32.const 4  i32.add  local.tee $c.118  local.get $fours.67  i32.lt_s  br_if $loop18
            end
          end
          local.get $fours.67  local.get $s1  i32.lt_s  if $if19
            local.get $arg0  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.134
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  i32.add  local.set $add.152
            local.get $fours.67  local.set $c.132
            loop $loop20
              f32.const 0.002762907650321722  f32.const 89  f32.const -87.5999984741211  local.get $add.134
                  local.get $c.132  i32.const 2  i32.shl  i32.add  local.tee $add.135  f32.load  local.tee $t0v.136
                  local.get $m.52  f32.sub  local.tee $sub  f32.gt  if $if21 (result f32)
                f32.const -87.5999984741211
              else
                local.get $sub
              end  local.tee $select  f32.lt  if $if22 (result f32)
                f32.const 89
              else
                local.get $select
              end  local.tee $select.139  f32.const 1.4426950216293335  f32.const 12583038  local.set $c.140  f32.mul
                  local.get $c.140  f32.add  local.tee $muladd  f32.const 12583038  f32.sub  local.tee $sub.142
                  f32.const 0.00021219444170128554  local.get $sub.142  f32.const -0.693359375  local.get $select.139
                  local.set $c.143  f32.mul  local.get $c.143  f32.add  local.set $c.144  f32.mul  local.get $c.144
                  f32.add  local.tee $muladd.145  f32.const 0.01673749089241028  local.set $c.146  f32.mul
                  local.get $c.146  f32.add  local.get $muladd.145  f32.const 0.08333677798509598  local.set $c.147
                  f32.mul  local.get $c.147  f32.add  local.get $muladd.145  f32.const 0.3333304226398468
                  local.set $c.148  f32.mul  local.get $c.148  f32.add  local.get $muladd.145
                  f32.const 0.9999998807907104  local.set $c.149  f32.mul  local.get $c.149  f32.add
                  local.get $muladd.145  f32.const 2  local.set $c.150  f32.mul  local.get $c.150  f32.add
                  local.get $muladd.145  f32.const 2  local.set $c.151  f32.mul  local.get $c.151  f32.add
                  local.get $muladd  i32.reinterpret_f32  i32.const 23  i32.shl  f32.reinterpret_i32  f32.mul
                  local.set $mul.133
              local.get $add.152  local.get $c.132  i32.const 2  i32.shl  i32.add  local.get $mul.133  f32.store
              local.get $s_tail  local.get $mul.133  f32.add  local.set $s_tail
              local.get $c.132  i32.const 1  i32.add  local.tee $c.132  local.get $s1  i32.lt_s  br_if $loop20
            end
          end
          local.get $s_0  local.get $s_1  f32x4.add  local.get $s_2  local.get $s_3  f32x4.add  f32x4.add  local.set $s
          local.get $s  f32x4.extract_lane 0  local.get $s  f32x4.extract_lane 1  f32.add  local.get $s
              f32x4.extract_lane 2  local.get $s  f32x4.extract_lane 3  f32.add  f32.add  local.get $s_tail  f32.add
              local.set $s.154
          local.get $mul.28  local.set $vectors
          i32.const 0  local.get $vectors  i32.lt_s  if $if23
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  local.tee $mul.159  i32.add
                local.set $add.158
            local.get $s.154  f32x4.splat  local.set $ref_v.162
            i32.const 0  local.set $c.156
            loop $loop24
              local.get $add.158  local.get $c.156  i32.const 2  i32.shl  local.tee $mul.160  i32.add
                  local.tee $add.161  v128.load align=4  local.get $ref_v.162  f32x4.div  local.set $value.157
              local.get $add.161  local.get $value.157  v128.store align=4
              local.get $c.156  i32.const 4  i32.add  local.tee $c.156  local.get $vectors  i32.lt_s  br_if $loop24
            end
          end
          local.get $vectors  local.get $s1  i32.lt_s  if $if25
            local.get $arg1  local.get $r.18  local.get $s1  i32.mul  i32.const 2  i32.shl  local.tee $mul.165  i32.add
                local.set $add.164
            local.get $vectors  local.set $c.163
            loop $loop26
              local.get $add.164  local.get $c.163  i32.const 2  i32.shl  local.tee $mul.166  i32.add
                  local.tee $add.167  local.get $add.167  f32.load  local.get $s.154  f32.div  local.tee $div  f32.store
              local.get $c.163  i32.const 1  i32.add  local.tee $c.163  local.get $s1  i32.lt_s  br_if $loop26
            end
          end
          local.get $r.18  i32.const 1  i32.add  local.tee $r.18  local.get $to  i32.lt_s  br_if $loop8
        end
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
